// The library: everything there is to watch, and what is yours.

import { Asset, call, problemOf } from './api';
import { fill, h, icon, put } from './dom';
import { session } from './session';
import { link, title, View } from './router';
import { card, empty, problemBox, skeleton } from './ui';

interface Page { assets: Asset[]; next_cursor?: string }

export function library({ root, query, signal }: View): void {
  title('Library');
  let mine = query.get('owner') === 'me' && !!session.account;
  let cursor = '';
  let timer = 0;
  const grid = h('div', { class: 'grid' });
  const more = h('div', { class: 'row center' });
  const search = h('input', { type: 'search', placeholder: 'Search titles and tags', 'aria-label': 'Search titles and tags', value: query.get('q') ?? '', oninput: () => { clearTimeout(timer); timer = window.setTimeout(() => void load(true), 250); } });

  const tab = (label: string, own: boolean) => h('button', {
    type: 'button', class: 'tab', 'aria-pressed': String(mine === own), onclick: (e: Event) => {
      mine = own;
      for (const b of (e.currentTarget as HTMLElement).parentElement!.children) b.setAttribute('aria-pressed', String(b === e.currentTarget));
      void load(true);
    },
  }, label);

  const load = async (fresh: boolean) => {
    if (fresh) { cursor = ''; fill(grid, skeleton(6)); }
    fill(more);
    const q = new URLSearchParams({ limit: '48' });
    if (search.value.trim()) q.set('q', search.value.trim());
    if (mine) q.set('owner', 'me');
    if (cursor) q.set('cursor', cursor);
    try {
      const page = await call<Page>('GET', '/v1/assets?' + q, undefined, { signal });
      if (fresh) fill(grid);
      put(grid, page.assets.map(card));
      cursor = page.next_cursor ?? '';
      if (cursor) fill(more, h('button', { type: 'button', class: 'button', onclick: () => void load(false) }, 'Show more'));
      if (!grid.children.length && !cursor) fill(grid, nothing());
    } catch (err) {
      if (!signal.aborted) fill(fresh ? grid : more, problemBox(problemOf(err), () => void load(fresh)));
    }
  };

  const nothing = () => search.value.trim()
    ? empty('Nothing found', `No title or tag matches “${search.value.trim()}”.`, h('button', { type: 'button', class: 'button', onclick: () => { search.value = ''; void load(true); } }, 'Clear the search'))
    : session.account
      ? empty(mine ? 'You have no videos yet' : 'The library is empty', 'Upload a video, choose who may watch, share the link.', link('/new', { class: 'button' }, icon('plus'), 'Upload a video'))
      : empty('The library is empty', 'Sign in with a wallet to add the first video.', link('/sign-in', { class: 'button' }, icon('wallet'), 'Sign in'));

  put(root, h('div', { class: 'page' },
    h('div', { class: 'head' },
      h('div', null, h('h1', null, 'Library'), h('p', { class: 'lead' }, 'Videos that open with what your wallet holds.')),
      session.account ? link('/new', { class: 'button primary' }, icon('plus'), 'Upload') : null),
    h('div', { class: 'tools' }, search, session.account ? h('div', { class: 'tabs', role: 'group', 'aria-label': 'Which videos' }, tab('All', false), tab('Mine', true)) : null),
    grid, more));
  void load(true);
}
