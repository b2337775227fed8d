// What would open a gate: the smallest sets of changes, each enough by itself. A
// leaf that could not be read is shown as such: it may be as wanted already.

import { Decision, Step, Way } from './api';
import { h } from './dom';
import { outcomeMark } from './ui';

const step = (s: Step): HTMLElement => h('li', { class: 'step', title: s.pointer },
  outcomeMark(s.now), h('span', null, s.sentence[0].toUpperCase() + s.sentence.slice(1), '.',
    s.now === 'unknown' ? h('span', { class: 'hint' }, ' We cannot tell whether this is so already.') : null));

/** distinct leaves out steps that say the same: one deed may change several places of a rule. */
const distinct = (w: Way): Step[] => w.steps.filter((s, i) => w.steps.findIndex((o) => o.sentence === s.sentence) === i);

/** waysIn lists how to get in; null when nothing helps, or when there is nothing to say. */
export function waysIn(d: Decision, level: 'h3' | 'h4'): HTMLElement | null {
  const heading = (text: string) => h(level, null, text);
  if (d.outcome === 'no' && d.what_if?.length) {
    const one = d.what_if.length === 1;
    return h('div', { class: 'howto' }, heading(one ? 'How to get in' : 'How to get in: any one of these'),
      one ? h('ul', { class: 'steps' }, distinct(d.what_if[0]).map(step))
        : h('ol', null, d.what_if.map((w) => h('li', null, distinct(w).length === 1 ? w.sentence : h('ul', { class: 'steps' }, distinct(w).map(step))))));
  }
  if (d.how_to?.length) return h('div', { class: 'howto' }, heading('How to get in'), h('ul', null, d.how_to.map((t) => h('li', null, t))));
  return null;
}
