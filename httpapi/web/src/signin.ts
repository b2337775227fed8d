// Sign in: pick a wallet, sign one message.

import { ProblemError, problemOf } from './api';
import { fill, h, icon, put, say, tint } from './dom';
import { go, title, View } from './router';
import { problemBox } from './ui';
import { browserWallets, demoWallets, serverChains, signIn, Wallet, walletError } from './wallets';

const kinds: Record<Wallet['kind'], string> = { evm: 'Ethereum', solana: 'Solana', demo: '' };

/** missing says which kind of wallet one may lack, of those that open something here. */
function missing(list: Wallet[], chains: string[]): string[] {
  const wants = (namespace: string) => !chains.length || chains.some((c) => c.startsWith(namespace + ':'));
  const lacks = (kind: Wallet['kind'], namespace: string) => wants(namespace) && !list.some((w) => w.kind === kind);
  const evm = lacks('evm', 'eip155'), solana = lacks('solana', 'solana') && (chains.length > 0 || !list.length);
  if (!list.length) {
    const which = [evm ? 'MetaMask or Rabby for Ethereum' : '', solana ? 'Phantom or Solflare for Solana' : ''].filter(Boolean).join(', ');
    return [`No wallet found. Install a wallet extension such as ${which}, then reload this page. On a phone, open this page in the browser of your wallet's app.`];
  }
  return [evm ? 'No Ethereum wallet found. One such as MetaMask or Rabby would show here.' : '', solana ? 'No Solana wallet found. One such as Phantom or Solflare would show here.' : ''].filter(Boolean);
}

export async function signInView({ root, query, signal }: View): Promise<void> {
  title('Sign in');
  const asked = query.get('next') ?? '/';
  const next = asked.startsWith('/') && !asked.startsWith('//') ? asked : '/';
  const note = h('div', { 'aria-live': 'polite' });
  const own = h('ul', { class: 'wallets' });
  const demo = h('ul', { class: 'wallets' });
  const demoPart = h('div', { hidden: true }, h('h2', null, 'Demo wallets'), h('p', { class: 'hint' }, 'Made for this demo. They hold nothing of value.'), demo);

  const use = async (b: HTMLButtonElement, w: Wallet) => {
    fill(note, h('p', { class: 'notice' }, w.kind === 'demo' ? 'Signing in…' : `Look at ${w.name}: it asks you to sign one message. That costs nothing and moves nothing.`));
    b.disabled = true;
    try {
      await signIn(w);
      say('Signed in.');
      if (!signal.aborted) go(next, true);
    } catch (err) {
      const words = err instanceof ProblemError ? null : walletError(err);
      const p = problemOf(err);
      fill(note, words ? h('p', { class: 'notice', role: 'alert' }, words) : problemBox(p.status === 401 ? { ...p, title: 'That did not sign you in' } : p));
      b.disabled = false;
    }
  };

  const row = (w: Wallet) => h('li', null, h('button', { type: 'button', class: 'wallet', onclick: (e: Event) => void use(e.currentTarget as HTMLButtonElement, w) },
    w.icon ? h('img', { src: w.icon, alt: '', width: 36, height: 36 }) : tint(h('span', { class: 'avatar big', 'aria-hidden': 'true' }), w.id),
    h('span', { class: 'wallet-name' }, w.name, h('span', { class: 'hint' }, w.note ?? kinds[w.kind]))));

  put(root, h('div', { class: 'page narrow' },
    h('h1', null, 'Sign in with your wallet'),
    h('p', { class: 'lead' }, 'You sign a short message to prove that the wallet is yours. No password, no transaction, no fee.'),
    note, demoPart, h('h2', null, 'Wallets in this browser'), own));

  let here: Wallet[] = [];
  let chains: string[] = [];
  const draw = () => fill(own, here.map(row), missing(here, chains).map((text) => h('li', { class: 'none' }, icon('wallet'), h('span', null, text))));
  browserWallets(signal, (list) => { here = list; draw(); });
  void serverChains().then((c) => { chains = c; if (!signal.aborted) draw(); });
  const wallets = await demoWallets();
  if (wallets.length) {
    fill(demo, wallets.map(row));
    demoPart.hidden = false;
  }
}
