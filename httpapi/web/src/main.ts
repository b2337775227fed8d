// The app: header, routes, start.

import { Demo, demoInfo } from './api';
import { fill, h, icon, put, shortAddress, tint } from './dom';
import { session } from './session';
import { link, otherwise, route, show, start, title } from './router';
import { empty } from './ui';
import { library } from './library';
import { signInView } from './signin';
import { newVideo, video } from './video';
import { watch } from './watch';
import { transferBox } from './demo';
import { onePass, passes } from './passes';

function header(): void {
  const top = document.getElementById('top')!;
  const here = (path: string) => (location.pathname === path ? 'page' : undefined);
  const account = session.account;
  fill(top, h('div', { class: 'bar' },
    link('/', { class: 'brand', 'aria-label': 'StreamGate, library' }, h('img', { src: '/icon.svg', alt: '', width: 28, height: 28 }), h('span', null, 'StreamGate')),
    h('nav', { 'aria-label': 'Main' },
      link('/', { 'aria-current': here('/') }, 'Library'),
      account ? link('/new', { 'aria-current': here('/new') }, 'Upload') : null,
      account ? link('/passes', { 'aria-current': here('/passes') }, 'Passes') : null),
    account
      ? h('div', { class: 'me' },
        tint(h('span', { class: 'avatar', 'aria-hidden': 'true' }), account),
        h('span', { class: 'me-name', title: account }, session.current?.name ?? shortAddress(account)),
        h('button', { type: 'button', class: 'button small ghost', onclick: () => { void session.signOut().then(() => show()); } }, 'Sign out'))
      : link('/sign-in?next=' + encodeURIComponent(location.pathname === '/sign-in' ? '/' : location.pathname + location.search), { class: 'button small' }, icon('wallet'), 'Sign in')));
}

async function demoBar(): Promise<void> {
  const demo: Demo | null = await demoInfo();
  if (!demo) return;
  const foot = document.querySelector('.foot')!;
  const box = h('section', { class: 'demo', 'aria-labelledby': 'demo-h' });
  foot.before(box);
  put(box, ...transferBox(demo));
}

route('/', library);
route('/sign-in', signInView);
route('/new', newVideo);
route('/videos/:id', video);
route('/watch/:id', watch);
route('/passes', passes);
route('/passes/:id', onePass);
otherwise(({ root }) => {
  title('Page not found');
  put(root, h('div', { class: 'page' }, h('h1', { class: 'sr' }, 'Page not found'), empty('There is nothing here', 'The address may be old, or mistyped.', link('/', { class: 'button' }, 'Go to the library'))));
});

session.onChange(header);
document.addEventListener('streamgate:navigate', header);
start();
void demoBar();
