// The demo server's corner: hand the pass from one demo wallet to the other.

import { call, Demo, demoInfo, forgetDemo, problemOf } from './api';
import { Child, fill, h, say, shortAddress } from './dom';
import { problemBox } from './ui';

export function transferBox(demo: Demo): Child[] {
  const holders = h('ul', { class: 'holders' });
  const buttons = h('div', { class: 'row' });
  const note = h('div');

  const draw = (d: Demo) => {
    fill(holders, d.wallets.map((w) => h('li', null, h('strong', null, w.name), ' ', h('code', null, shortAddress(w.address)), ' ', h('span', { class: w.holds ? 'badge ready' : 'badge' }, w.holds ? 'holds the pass' : 'no pass'))));
    // A pass moves among the wallets of its chain.
    fill(buttons, d.wallets.filter((w) => w.holds).flatMap((from) => d.wallets.filter((w) => w !== from && w.chain === from.chain).map((to) => h('button', {
      type: 'button', class: 'button small', onclick: (e: Event) => void transfer(e.currentTarget as HTMLButtonElement, from.address, to.address, to.name),
    }, `Transfer the ${from.chain ? 'Solana ' : ''}pass to ${to.name}`))));
  };

  const transfer = async (b: HTMLButtonElement, from: string, to: string, name: string) => {
    b.disabled = true;
    fill(note);
    try {
      await call('POST', '/v1/demo/transfer', { from, to }, { anonymous: true });
      say(`The pass now belongs to ${name}.`);
    } catch (err) {
      fill(note, problemBox(problemOf(err)));
    }
    forgetDemo();
    draw((await demoInfo()) ?? demo);
  };

  draw(demo);
  return [h('h2', { id: 'demo-h' }, 'Demo chain'), h('p', null, demo.solana ? 'A few wallets, an access pass on each of two chains: either opens the video. ' : 'A few wallets, one access pass. ', 'Sign in as one of them in each of two tabs, then hand the pass over and watch what happens.', demo.solana ? ' This Solana is a test node in this machine (LiteSVM), not a validator.' : ''), holders, buttons, note];
}
