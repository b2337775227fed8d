// The session: tokens live in memory and in this tab's sessionStorage, so two
// tabs can be two people and closing the tab signs out.

interface Tokens { access_token: string; refresh_token: string; expires_at: string; account: string; user_id?: string; name?: string; wallet?: string }

const KEY = 'streamgate.session';
type Listener = () => void;

class Session {
  current: Tokens | null = null;
  private listeners = new Set<Listener>();
  private refreshing: Promise<boolean> | null = null;

  constructor() {
    try {
      this.current = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    } catch { /* storage is off: memory has to do */ }
  }

  get account(): string | null { return this.current?.account ?? null; }

  set(tokens: Tokens | null): void {
    this.current = tokens;
    try {
      if (tokens) sessionStorage.setItem(KEY, JSON.stringify(tokens));
      else sessionStorage.removeItem(KEY);
    } catch { /* as above */ }
    for (const l of this.listeners) l();
  }

  onChange(l: Listener): void { this.listeners.add(l); }

  /** token returns a token with some life left, refreshing it first where due. */
  async token(): Promise<string | undefined> {
    if (!this.current) return undefined;
    if (Date.parse(this.current.expires_at) - Date.now() < 20_000) await this.refresh();
    return this.current?.access_token;
  }

  /** refresh trades the refresh token, once however many ask at the same time. */
  refresh(): Promise<boolean> {
    return (this.refreshing ??= this.trade().finally(() => { this.refreshing = null; }));
  }

  private async trade(): Promise<boolean> {
    const had = this.current;
    if (!had) return false;
    try {
      const res = await fetch('/v1/auth/refresh', {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ refresh_token: had.refresh_token }), credentials: 'omit',
      });
      if (res.ok) {
        this.set({ ...had, ...(await res.json()) });
        return true;
      }
      if (res.status === 401 || res.status === 400 || res.status === 403) this.set(null);
    } catch { /* offline: keep the session, the next call tries again */ }
    return false;
  }

  async signOut(): Promise<void> {
    const token = this.current?.access_token;
    this.set(null);
    if (token) await fetch('/v1/auth/logout', { method: 'POST', headers: { Authorization: 'Bearer ' + token }, credentials: 'omit', keepalive: true }).catch(() => undefined);
  }
}

export const session = new Session();
