// Paths to views. Each view gets a signal that aborts when the person leaves it.

import { h, say } from './dom';

export interface View { root: HTMLElement; params: Record<string, string>; query: URLSearchParams; signal: AbortSignal }
export type Render = (v: View) => void | Promise<void>;

const routes: { re: RegExp; names: string[]; render: Render }[] = [];
let leave: AbortController | null = null;
let notFound: Render = () => undefined;

export function route(pattern: string, render: Render): void {
  const names: string[] = [];
  const re = new RegExp('^' + pattern.replace(/:(\w+)/g, (_, n: string) => { names.push(n); return '([^/]+)'; }) + '/?$');
  routes.push({ re, names, render });
}
export function otherwise(render: Render): void { notFound = render; }

export function go(path: string, replace = false): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  show(true);
}

export function link(path: string, props: Record<string, unknown>, ...children: Parameters<typeof h>[2][]): HTMLAnchorElement {
  return h('a', { href: path, ...props }, ...children);
}

/** title names the page in the tab and to screen readers. */
export function title(text: string): void {
  document.title = text ? `${text} · StreamGate` : 'StreamGate';
  say(text);
}

export function show(moved = false): void {
  leave?.abort();
  leave = new AbortController();
  const root = document.getElementById('main')!;
  root.replaceChildren();
  let render = notFound;
  const params: Record<string, string> = {};
  for (const r of routes) {
    const m = r.re.exec(location.pathname);
    if (!m) continue;
    render = r.render;
    r.names.forEach((n, i) => { params[n] = decodeURIComponent(m[i + 1]); });
    break;
  }
  if (moved) { window.scrollTo(0, 0); root.focus({ preventScroll: true }); }
  document.dispatchEvent(new Event('streamgate:navigate'));
  void render({ root, params, query: new URLSearchParams(location.search), signal: leave.signal });
}

export function start(): void {
  document.addEventListener('click', (e) => {
    const a = (e.target as Element | null)?.closest?.('a');
    if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    if (a.target || a.origin !== location.origin || a.pathname.startsWith('/v1/') || a.getAttribute('href')!.startsWith('#')) return;
    e.preventDefault();
    go(a.pathname + a.search);
  });
  window.addEventListener('popstate', () => show(true));
  show();
}
