// Pieces that several views share.

import { Asset, Decision, Explain, Outcome, Problem } from './api';
import { Child, clock, h, icon, tint } from './dom';
import { link } from './router';

/** problemBox shows what went wrong and what to do; retry adds a button. */
export function problemBox(p: Problem, retry?: () => void): HTMLElement {
  return h('div', { class: 'notice bad', role: 'alert' },
    h('strong', null, p.title), p.detail && p.detail !== p.title ? h('p', null, p.detail) : null,
    p.errors?.length ? h('ul', null, p.errors.map((e) => h('li', null, e.pointer ? h('code', null, e.pointer) : null, e.pointer ? ' ' : null, e.detail))) : null,
    retry ? h('button', { type: 'button', class: 'button small', onclick: retry }, 'Try again') : null,
    p.request_id && p.status >= 500 ? h('p', { class: 'hint' }, 'Request ', h('code', null, p.request_id)) : null);
}

export function empty(title: string, text: string, ...actions: Child[]): HTMLElement {
  return h('div', { class: 'empty' }, h('div', { class: 'empty-art', 'aria-hidden': 'true' }), h('h2', null, title), h('p', null, text), h('div', { class: 'row center' }, actions));
}

export function skeleton(lines = 3): HTMLElement {
  return h('div', { class: 'skeleton', 'aria-hidden': 'true' }, Array.from({ length: lines }, () => h('span')));
}

export const statusWord: Record<Asset['status'], string> = {
  created: 'Waiting for a file', uploading: 'Uploading', processing: 'Being prepared', playable: 'Playable, more quality coming', ready: 'Ready', failed: 'Failed',
};

export function badge(a: Asset): HTMLElement {
  return h('span', { class: 'badge ' + a.status }, statusWord[a.status]);
}

export function card(a: Asset): HTMLElement {
  const plays = a.status === 'playable' || a.status === 'ready';
  const lock = a.policy.public ? 'Open to all' : a.gate ? 'Gated' : 'Private';
  return h('article', { class: 'card' },
    link(plays ? `/watch/${a.id}` : `/videos/${a.id}`, { class: 'card-link' },
      tint(h('div', { class: 'poster' },
        plays ? icon('play', 'poster-play') : icon('upload', 'poster-play'),
        a.duration_ms ? h('span', { class: 'pill time' }, clock(a.duration_ms)) : null,
        h('span', { class: 'pill lockpill' }, a.policy.public ? null : icon('lock'), lock)), a.id),
      h('h2', { class: 'card-title' }, a.title)),
    h('p', { class: 'card-sub' }, a.status === 'ready' ? (a.policy.public ? 'Anyone can watch.' : a.gate_sentence ?? 'Only its owner can watch.') : badge(a)),
    a.mine ? h('p', { class: 'card-own' }, link(`/videos/${a.id}`, { class: 'quiet', 'aria-label': `Manage ${a.title}` }, 'Manage')) : null);
}

const mark: Record<Outcome, [string, string]> = { yes: ['check', 'Yes'], no: ['cross', 'No'], unknown: ['help', 'Could not tell'] };

export function outcomeMark(o: Outcome): HTMLElement {
  return h('span', { class: 'mark ' + o }, icon(mark[o][0]), h('span', { class: 'sr' }, mark[o][1] + ': '));
}

/** explainTree shows every node of a decision: what was asked, what was seen, where. */
export function explainTree(n: Explain): HTMLElement {
  const facts: Child[] = [];
  const fact = (k: string, v?: string) => { if (v) facts.push(h('span', { class: 'fact' }, h('span', null, k), ' ', h('code', null, v))); };
  if (n.wanted || n.observed) { fact('wanted', n.wanted); fact('seen', n.observed); }
  fact('on', n.chain);
  if (n.block) fact('block', '#' + n.block.number);
  fact('finality', n.finality);
  if (n.outcome !== 'yes' && n.reason) fact('reason', n.reason.replaceAll('_', ' '));
  return h('li', { class: 'node' },
    h('div', { class: 'node-line' }, outcomeMark(n.outcome), h('div', null, h('span', null, n.sentence || n.kind), facts.length ? h('div', { class: 'facts' }, facts) : null)),
    n.children?.length ? h('ul', null, n.children.map(explainTree)) : null);
}

export function decisionBox(d: Decision, ways: Child = null): HTMLElement {
  return h('div', { class: 'decision ' + d.outcome },
    h('p', { class: 'decision-head' }, outcomeMark(d.outcome), h('strong', null, d.message || { yes: 'This wallet gets in.', no: 'This wallet does not get in.', unknown: 'We could not tell.' }[d.outcome])),
    ways,
    d.explain ? h('details', { open: true }, h('summary', null, 'Why'), h('ul', { class: 'tree' }, explainTree(d.explain))) : null);
}
