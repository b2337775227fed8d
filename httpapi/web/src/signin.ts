// Sign in: pick a wallet, sign one message.

import { ProblemError, problemOf } from './api';
import { fill, h, icon, put, say, tint } from './dom';
import { go, title, View } from './router';
import { problemBox } from './ui';
import { browserWallets, demoWallets, signIn, Wallet, walletError } from './wallets';

export async function signInView({ root, query, signal }: View): Promise<void> {
  title('Sign in');
  const asked = query.get('next') ?? '/';
  const next = asked.startsWith('/') && !asked.startsWith('//') ? asked : '/';
  const note = h('div', { 'aria-live': 'polite' });
  const own = h('ul', { class: 'wallets' });
  const demo = h('ul', { class: 'wallets' });
  const demoPart = h('div', { hidden: true }, h('h2', null, 'Demo wallets'), h('p', { class: 'hint' }, 'Made for this demo. They hold nothing of value.'), demo);

  const use = async (b: HTMLButtonElement, w: Wallet) => {
    fill(note, h('p', { class: 'notice' }, w.note ? 'Signing in…' : `Look at ${w.name}: it asks you to sign one message. That costs nothing and moves nothing.`));
    b.disabled = true;
    try {
      await signIn(w);
      say('Signed in.');
      if (!signal.aborted) go(next, true);
    } catch (err) {
      const words = err instanceof ProblemError ? null : walletError(err);
      fill(note, words ? h('p', { class: 'notice', role: 'alert' }, words) : problemBox(problemOf(err)));
      b.disabled = false;
    }
  };

  const row = (w: Wallet) => h('li', null, h('button', { type: 'button', class: 'wallet', onclick: (e: Event) => void use(e.currentTarget as HTMLButtonElement, w) },
    w.icon ? h('img', { src: w.icon, alt: '', width: 36, height: 36 }) : tint(h('span', { class: 'avatar big', 'aria-hidden': 'true' }), w.id),
    h('span', { class: 'wallet-name' }, w.name, w.note ? h('span', { class: 'hint' }, w.note) : null)));

  put(root, h('div', { class: 'page narrow' },
    h('h1', null, 'Sign in with your wallet'),
    h('p', { class: 'lead' }, 'You sign a short message to prove that the wallet is yours. No password, no transaction, no fee.'),
    note, demoPart, h('h2', null, 'Wallets in this browser'), own));

  browserWallets(signal, (list) => fill(own, list.length ? list.map(row) : h('li', { class: 'none' }, icon('wallet'), h('span', null, 'No wallet found. Install a wallet extension such as MetaMask or Rabby, then reload this page.'))));
  const wallets = await demoWallets();
  if (wallets.length) {
    fill(demo, wallets.map(row));
    demoPart.hidden = false;
  }
}
