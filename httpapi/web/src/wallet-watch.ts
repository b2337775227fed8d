// The session ends in this page when the wallet that opened it is disconnected or switches to another account:
// what one sees is then no longer what that wallet may see.

import { session } from './session';
import type { Wallet } from './wallets';

let stop: (() => void) | null = null;
let followed = '';

/** follow watches the wallet of the session; it is harmless for any other. */
export function follow(w: Wallet, left: (why: string) => void): void {
  if (!session.account || session.current?.wallet !== w.key || followed === w.key) return;
  stop?.();
  followed = w.key;
  const end = w.onAccounts?.((addresses) => {
    const own = session.account?.slice(session.account.lastIndexOf(':') + 1);
    if (!own || session.current?.wallet !== w.key) return;
    const same = (a: string) => (own.startsWith('0x') ? a.toLowerCase() === own.toLowerCase() : a === own); // base58 knows case
    if (addresses.some(same)) return;
    left(addresses.length ? `${w.name} switched to another account, so you were signed out.` : `${w.name} was disconnected, so you were signed out.`);
  });
  stop = () => { end?.(); stop = null; followed = ''; };
}

session.onChange(() => { if (!session.account) stop?.(); });
