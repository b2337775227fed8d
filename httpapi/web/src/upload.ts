// Uploads by tus 1.0. They live outside the views, so that walking through the
// app does not stop them, and are remembered, so that they go on after a reload.

import type { Upload } from 'tus-js-client';
import { session } from './session';

export type State = 'starting' | 'running' | 'paused' | 'waiting' | 'done' | 'failed';
export interface Progress { state: State; sent: number; total: number; rate: number; error?: string; name: string }
type Listener = (p: Progress) => void;

class Transfer {
  progress: Progress;
  private upload: Upload | null = null;
  private listeners = new Set<Listener>();
  private mark = { at: 0, sent: 0 };

  constructor(private readonly asset: string, private readonly file: File) {
    this.progress = { state: 'starting', sent: 0, total: file.size, rate: 0, name: file.name };
  }

  on(l: Listener, signal: AbortSignal): void {
    this.listeners.add(l);
    signal.addEventListener('abort', () => this.listeners.delete(l));
    l(this.progress);
  }

  private tell(change: Partial<Progress>): void {
    this.progress = { ...this.progress, ...change };
    for (const l of this.listeners) l(this.progress);
  }

  async start(): Promise<void> {
    const tus = await import('tus-js-client');
    this.upload = new tus.Upload(this.file, {
      endpoint: '/v1/uploads/',
      chunkSize: 16 * 1024 * 1024,
      retryDelays: [0, 1000, 3000, 5000, 10_000, 20_000],
      removeFingerprintOnSuccess: true,
      metadata: { asset_id: this.asset, filename: this.file.name, filetype: this.file.type || 'application/octet-stream' },
      fingerprint: async () => fingerprint(this.asset, this.file),
      onBeforeRequest: async (req) => {
        const token = await session.token();
        if (token) req.setHeader('Authorization', 'Bearer ' + token);
      },
      onShouldRetry: (err) => {
        const status = err.originalResponse?.getStatus() ?? 0;
        const again = status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
        if (again) this.tell({ state: 'waiting' });
        return again;
      },
      onProgress: (sent, total) => {
        const now = performance.now();
        let rate = this.progress.rate;
        if (now - this.mark.at > 500) {
          if (this.mark.at) rate = ((sent - this.mark.sent) / (now - this.mark.at)) * 1000;
          this.mark = { at: now, sent };
        }
        this.tell({ state: 'running', sent, total, rate });
      },
      onSuccess: () => { this.tell({ state: 'done', sent: this.file.size }); transfers.delete(this.asset); forget(this.asset); },
      onError: (err) => {
        let words = 'The connection broke. Resume when it is back.';
        if ('originalResponse' in err && err.originalResponse) {
          const body = err.originalResponse.getBody();
          words = 'The server refused: ' + body.slice(0, 200);
          try { const p = JSON.parse(body) as { detail?: string; title?: string }; words = p.detail || p.title || words; } catch { /* plain text */ }
        }
        this.tell({ state: 'failed', error: words });
      },
    });
    const [previous] = await this.upload.findPreviousUploads();
    if (previous) this.upload.resumeFromPreviousUpload(previous);
    remember(this.asset, this.file);
    this.upload.start();
    this.tell({ state: 'running' });
  }

  async pause(): Promise<void> { await this.upload?.abort(); this.tell({ state: 'paused', rate: 0 }); }
  resume(): void { this.mark = { at: 0, sent: 0 }; this.upload?.start(); this.tell({ state: 'running', error: undefined }); }
  async cancel(): Promise<void> { transfers.delete(this.asset); forget(this.asset); await this.upload?.abort(true).catch(() => undefined); }
}

const transfers = new Map<string, Transfer>();

const fingerprint = (asset: string, f: File) => ['streamgate', asset, f.name, f.size, f.lastModified].join('|');

/** begin uploads file to asset, going on where an earlier try with the same file stopped. */
export function begin(asset: string, file: File): Transfer {
  const t = new Transfer(asset, file);
  transfers.set(asset, t);
  void t.start();
  return t;
}

export const running = (asset: string): Transfer | undefined => transfers.get(asset);

const KEY = 'streamgate.unfinished';
type Unfinished = Record<string, { name: string; size: number }>;
function unfinished(): Unfinished {
  try { return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Unfinished; } catch { return {}; }
}
function save(u: Unfinished): void { try { localStorage.setItem(KEY, JSON.stringify(u)); } catch { /* storage is off */ } }
function remember(asset: string, f: File): void { save({ ...unfinished(), [asset]: { name: f.name, size: f.size } }); }
function forget(asset: string): void { const u = unfinished(); delete u[asset]; save(u); }
/** interrupted names the file whose upload to asset a reload cut off. */
export const interrupted = (asset: string): { name: string; size: number } | undefined => (transfers.has(asset) ? undefined : unfinished()[asset]);

window.addEventListener('beforeunload', (e) => {
  for (const t of transfers.values()) if (t.progress.state === 'running') { e.preventDefault(); return; }
});
