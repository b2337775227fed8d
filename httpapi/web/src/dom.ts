// The few helpers the views are built with. Text only ever becomes text nodes,
// so nothing that came from outside can become markup.

export type Child = Node | string | number | null | undefined | false;
type Props = Record<string, unknown>;

const SVG = 'http://www.w3.org/2000/svg';

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props?: Props | null, ...children: (Child | Child[])[]): HTMLElementTagNameMap[K] {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on') && typeof value === 'function') el.addEventListener(name.slice(2), value as EventListener);
    else if (name === 'value') (el as HTMLInputElement).value = String(value);
    else if (value === true) el.setAttribute(name, '');
    else el.setAttribute(name, String(value));
  }
  put(el, ...children);
  return el;
}

/** put appends children; fill replaces them. */
export function put(el: Element, ...children: (Child | Child[])[]): void {
  for (const c of children.flat()) {
    if (c === null || c === undefined || c === false) continue;
    el.append(typeof c === 'number' ? String(c) : c);
  }
}

export function fill(el: Element, ...children: (Child | Child[])[]): void {
  el.replaceChildren();
  put(el, ...children);
}

const paths: Record<string, string> = {
  play: 'M8 5v14l11-7z',
  lock: 'M7 10V7a5 5 0 0 1 10 0v3h1a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1zm2 0h6V7a3 3 0 0 0-6 0z',
  check: 'M9.5 17.6 4 12.1l1.8-1.8 3.7 3.7L18.2 5.400l1.800 1.800z',
  cross: 'm12 10.200 5-5 1.800 1.800-5 5 5 5-1.800 1.800-5-5-5 5L5.200 17l5-5-5-5L7 5.200z',
  help: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm1 16h-2v-2h2zm2-7.600-.9.9c-.8.800-1.100 1.300-1.100 2.700h-2v-.5c0-1.100.4-2 1.100-2.700l1.300-1.300c.9-.9.2-2.500-1.200-2.500-1 0-1.700.8-1.700 1.700H8.400a3.700 3.700 0 1 1 6.600 1.700z',
  upload: 'M11 16V8.800L8.400 11.400 7 10l5-5 5 5-1.400 1.400L13 8.800V16zm-6 2h14v2H5z',
  plus: 'M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z',
  wallet: 'M4 6a2 2 0 0 1 2-2h11v3h2a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H6a2 2 0 0 1-2-2zm2 0v1h9V6zm10 6.500v2h3v-2z',
  pause: 'M7 5h4v14H7zm6 0h4v14h-4z',
};

export function icon(name: keyof typeof paths | string, cls = 'icon'): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', cls);
  const p = document.createElementNS(SVG, 'path');
  p.setAttribute('d', paths[name] ?? '');
  svg.append(p);
  return svg;
}

/** say speaks to screen readers without moving anything. */
export function say(text: string): void {
  const el = document.getElementById('status');
  if (el) el.textContent = text;
}

let ids = 0;
export const uid = (prefix: string): string => `${prefix}-${++ids}`;

/** field is a labelled control with a hint and a place for what is wrong with it. */
export function field(label: string, control: HTMLElement, hint?: string): HTMLDivElement {
  control.id ||= uid('f');
  const note = h('p', { class: 'hint', id: control.id + '-hint' }, hint ?? '');
  control.setAttribute('aria-describedby', note.id);
  return h('div', { class: 'field' }, h('label', { for: control.id }, label), control, hint ? note : null);
}

/** tint gives an element two hues that depend only on seed, for posters and avatars. */
export function tint<T extends HTMLElement>(el: T, seed: string): T {
  let n = 2166136261;
  for (const c of seed) n = Math.imul(n ^ c.charCodeAt(0), 16777619) >>> 0;
  el.style.setProperty('--hue', String(n % 360));
  el.style.setProperty('--hue2', String((n % 360) + 40 + ((n >>> 9) % 80)));
  el.style.setProperty('--angle', `${(n >>> 5) % 180}deg`);
  return el;
}

export const shortAddress = (account: string): string => {
  const a = account.slice(account.lastIndexOf(':') + 1);
  return a.length > 12 ? `${a.slice(0, 6)}…${a.slice(-4)}` : a;
};

export function clock(ms: number): string {
  const s = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  while (bytes >= 1000 && i < units.length - 1) { bytes /= 1000; i++; }
  return `${i && bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${units[i]}`;
}
