// The API as the page sees it: types, one call function, problems as errors,
// server-sent events over fetch (EventSource cannot carry a bearer token).

import { session } from './session';

export interface Problem {
  type: string; title: string; status: number; detail?: string; code: string; request_id?: string;
  errors?: { pointer: string; detail: string }[]; decision?: Decision; retryAfter?: number;
}
export interface Block { number: number; hash: string; time: string }
export type Outcome = 'yes' | 'no' | 'unknown';
export interface Explain {
  pointer: string; kind: string; outcome: Outcome; reason: string; sentence: string;
  observed?: string; wanted?: string; chain?: string; block?: Block; finality?: string; children?: Explain[];
}
export interface Decision {
  outcome: Outcome; reason: string; message: string; rule_id: string; at: string; valid_until: string;
  explain?: Explain; how_to?: string[]; what_if?: Way[]; cached: boolean;
}
/** Step is one leaf of a rule that has to change; Way a smallest set of them. */
export interface Step { pointer: string; now: Outcome; want: Outcome; sentence: string }
export interface Way { sentence: string; steps: Step[] }
export interface Asset {
  id: string; owner: string; title: string; description?: string; tags?: string[];
  status: 'created' | 'uploading' | 'processing' | 'playable' | 'ready' | 'failed';
  reason?: string; gate?: unknown; rule_id?: string; policy: { epoch_ms?: number; public?: boolean };
  version: number; duration_ms?: number; width?: number; height?: number;
  progress: { stage: string; percent: number; rung?: string; eta_sec?: number };
  created_at: string; updated_at: string; mine: boolean; gate_sentence?: string;
}
export interface Viewing {
  token: string; asset_id: string; expires_at: string; decision: Decision; owner: boolean;
  hls_url: string; dash_url: string; license_url: string; events_url: string; renew_url: string; close_url: string;
}
export interface Gate { rule: unknown; rule_id: string; sentence: string; warnings: { pointer: string; code: string; detail: string }[] }
export interface Demo { wallets: { name: string; address: string; holds: boolean; chain?: string }[]; pass_contract: string; chain: string; asset_id: string; solana?: { chain: string; pass: string } }

export class ProblemError extends Error {
  constructor(readonly problem: Problem) { super(problem.detail || problem.title); }
}

export const problemOf = (err: unknown): Problem =>
  err instanceof ProblemError ? err.problem : { type: '', title: 'Something went wrong in this page', status: 0, detail: err instanceof Error ? err.message : String(err), code: 'internal' };

async function problemFrom(res: Response): Promise<ProblemError> {
  let p: Problem = { type: '', title: 'The server answered ' + res.status, status: res.status, code: 'internal' };
  try {
    if ((res.headers.get('Content-Type') ?? '').includes('json')) p = { ...p, ...(await res.json()) };
  } catch { /* a proxy's own error page: the status has to do */ }
  const wait = Number(res.headers.get('Retry-After'));
  if (wait > 0) p.retryAfter = wait;
  return new ProblemError(p);
}

export interface CallOptions { signal?: AbortSignal; headers?: Record<string, string>; anonymous?: boolean; keepalive?: boolean; raw?: string }

export async function send(method: string, path: string, body?: unknown, opt: CallOptions = {}): Promise<Response> {
  const go = async (): Promise<Response> => {
    const headers: Record<string, string> = { Accept: 'application/json', ...opt.headers };
    const token = opt.anonymous ? undefined : await session.token();
    if (token) headers.Authorization = 'Bearer ' + token;
    const payload = opt.raw ?? (body === undefined ? undefined : JSON.stringify(body));
    if (payload !== undefined) headers['Content-Type'] = 'application/json';
    try {
      return await fetch(path, { method, headers, body: payload, signal: opt.signal, keepalive: opt.keepalive, credentials: 'omit', cache: 'no-store' });
    } catch (err) {
      if (opt.signal?.aborted) throw err;
      throw new ProblemError({ type: '', title: 'The server cannot be reached', status: 0, detail: 'Check your connection and try again.', code: 'unavailable' });
    }
  };
  let res = await go();
  if (res.status === 401 && !opt.anonymous && session.current) {
    // The session may have ended early (revoked, or this clock is off): one refresh, one more try.
    if (await session.refresh()) res = await go();
  }
  if (!res.ok) throw await problemFrom(res);
  return res;
}

export async function call<T>(method: string, path: string, body?: unknown, opt?: CallOptions): Promise<T> {
  const res = await send(method, path, body, opt);
  return (res.status === 204 ? undefined : await res.json()) as T;
}

/** follow reads a server-sent event stream until signal aborts, reconnecting when it breaks. */
export async function follow(path: string, signal: AbortSignal, on: (event: string, data: unknown) => void): Promise<void> {
  for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, 10_000)) {
    try {
      const res = await send('GET', path, undefined, { signal, headers: { Accept: 'text/event-stream' } });
      const reader = res.body!.pipeThrough(new TextDecoderStream()).getReader();
      let buffer = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        wait = 500;
        buffer += value;
        for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
          const lines = buffer.slice(0, end).split('\n');
          buffer = buffer.slice(end + 2);
          const event = lines.find((l) => l.startsWith('event: '))?.slice(7) ?? 'message';
          const data = lines.filter((l) => l.startsWith('data: ')).map((l) => l.slice(6)).join('\n');
          if (data) on(event, JSON.parse(data));
        }
      }
    } catch (err) {
      if (signal.aborted) return;
      if (err instanceof ProblemError && [401, 403, 404].includes(err.problem.status)) return;
    }
    await new Promise((r) => setTimeout(r, wait));
  }
}

let demo: Promise<Demo | null> | undefined;
/** demoInfo tells whether this is a demo server, asked once a page load. */
export function demoInfo(): Promise<Demo | null> {
  return (demo ??= call<Demo>('GET', '/v1/demo', undefined, { anonymous: true }).catch(() => null));
}
export function forgetDemo(): void { demo = undefined; }
