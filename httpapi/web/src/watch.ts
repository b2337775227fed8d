// The player page: press play, be let in or told why not.

import { Asset, call, Decision, problemOf, Problem, ProblemError, send, Viewing } from './api';
import { clock, fill, h, icon, put, say, shortAddress, tint } from './dom';
import { Engine, engine, Level, Name, prefetch } from './engine';
import { session } from './session';
import { link, title, View } from './router';
import { explainTree, problemBox, skeleton } from './ui';
import { waysIn } from './whatif';

type State = 'idle' | 'opening' | 'playing' | 'denied' | 'unknown' | 'revoked' | 'error';

export async function watch(v: View): Promise<void> {
  const { root, params, query, signal } = v;
  title('Watch');
  const page = h('div', { class: 'page' }, skeleton(4));
  put(root, page);
  const asked = query.get('engine');
  const name: Name = asked === 'shaka' || asked === 'dash' ? asked : 'hls';
  prefetch(name);
  let asset: Asset;
  try {
    asset = await call<Asset>('GET', `/v1/assets/${params.id}`, undefined, { signal });
  } catch (err) {
    if (!signal.aborted) fill(page, h('h1', null, 'Watch'), problemBox(problemOf(err), () => location.reload()));
    return;
  }
  if (signal.aborted) return;
  title(asset.title);
  const player = new Player(asset, name, query.get('format') === 'hls' ? 'hls' : undefined, signal);
  fill(page,
    player.root,
    h('div', { class: 'head watch-head' },
      h('div', null, h('h1', null, asset.title),
        h('p', { class: 'meta' }, [asset.duration_ms ? clock(asset.duration_ms) : '', asset.height ? `up to ${asset.height}p` : '', ...(asset.tags ?? [])].filter(Boolean).join(' · '))),
      asset.mine ? link(`/videos/${asset.id}`, { class: 'button' }, 'Manage') : null),
    asset.description ? h('p', { class: 'prose' }, asset.description) : null,
    h('section', { class: 'panel gateline' }, icon('lock'), h('div', null, h('h2', null, 'Who may watch'),
      h('p', null, asset.policy.public ? 'Anyone.' : asset.gate_sentence ?? 'Only its owner.'))));
}

class Player {
  readonly root = h('section', { class: 'player', 'aria-label': 'Player' });
  private readonly video = h('video', { playsinline: true, controls: true, preload: 'none', tabindex: 0 });
  private readonly cover = h('div', { class: 'cover' });
  private readonly quality = h('select', { 'aria-label': 'Quality', onchange: () => this.engine?.setLevel(Number(this.quality.value)) });
  private readonly bar = h('div', { class: 'playerbar', hidden: true });
  private engine: Engine | null = null;
  private viewing: Viewing | null = null;
  private events: EventSource | null = null;
  private renewal = 0;
  /** retry is how long to wait after a renewal that failed: several must fit before the end. */
  private retry = 10_000;
  private poll = 0;
  private resumeAt = 0;
  private asking = false;
  /** offer says that the right is back; set while a wall stands. */
  private offer: (() => void) | null = null;
  /** run tells an answer to an earlier press of play from one to this. */
  private run = 0;

  constructor(private readonly asset: Asset, private readonly name: Name, private readonly format: 'hls' | undefined, private readonly signal: AbortSignal) {
    this.video.dataset.engine = name;
    const frame = tint(h('div', { class: 'frame' }, this.video, this.cover), asset.id);
    put(this.bar, h('label', { class: 'quality' }, 'Quality ', this.quality),
      h('details', { class: 'keys' }, h('summary', null, 'Keyboard'), h('p', null, 'Space or K: play, pause. J, L: 10 s back, on. ← →: 5 s. M: sound. F: full screen. 0–9: jump.')));
    put(this.root, frame, this.bar);
    this.levels([]);
    this.idle();
    document.addEventListener('keydown', this.key, { signal });
    const leave = () => void this.stop();
    signal.addEventListener('abort', leave);
    window.addEventListener('pagehide', leave, { signal });
  }

  private state(s: State): void {
    this.video.dataset.state = s;
    this.cover.hidden = s === 'playing';
    this.video.controls = s === 'playing';
    this.bar.hidden = s !== 'playing';
  }

  private idle(): void {
    this.state('idle');
    const plays = this.asset.status === 'playable' || this.asset.status === 'ready';
    fill(this.cover, plays
      ? h('button', { type: 'button', class: 'bigplay', 'aria-label': `Play ${this.asset.title}`, onclick: () => void this.play() }, icon('play'))
      : h('p', null, 'This video is not ready yet. Come back in a moment.'));
  }

  /** play asks for the viewing and loads the engine at the same time. */
  private async play(): Promise<void> {
    const run = ++this.run;
    const clicked = performance.now();
    await this.stop();
    this.state('opening');
    delete this.video.dataset.firstFrameMs;
    fill(this.cover, h('span', { class: 'spinner', role: 'status' }, h('span', { class: 'sr' }, 'Opening')));
    this.video.requestVideoFrameCallback?.((now) => {
      this.video.dataset.firstFrameMs = String(Math.round(now - clicked));
    });
    const made = engine(this.name, {
      refused: (detail) => { if (run === this.run) void this.refused(detail); },
      broken: (detail) => { if (run === this.run) this.broken(detail); },
      levels: (l) => { if (run === this.run) this.levels(l); },
      playing: (l) => { if (run === this.run) this.quality.options[0].textContent = `Auto (${l})`; },
    }, { format: this.format });
    try {
      const viewing = await call<Viewing>('POST', `/v1/assets/${this.asset.id}/playback`, {}, { signal: this.signal });
      if (run !== this.run) return void close(viewing);
      this.viewing = viewing;
      this.listen(viewing);
      this.renewBefore(viewing.expires_at);
      const e = await made;
      if (run !== this.run) return void e.destroy();
      this.engine = e;
      await e.load(viewing, this.video, this.resumeAt);
      if (run !== this.run || !this.viewing) return;
      this.state('playing');
      say('Playing.');
      await this.video.play().catch(() => undefined); // autoplay rules: the controls are there
    } catch (err) {
      if (run !== this.run || this.signal.aborted) return;
      void made.then((e) => e.destroy()).catch(() => undefined);
      this.refusedToOpen(problemOf(err));
    }
  }

  private refusedToOpen(p: Problem): void {
    if (p.decision) return this.wall(p.decision.outcome === 'unknown' ? 'unknown' : 'denied', p.decision);
    this.state('error');
    fill(this.cover, h('div', { class: 'wall' }, p.status === 401
      ? h('div', null, h('h2', null, 'Sign in to watch'), h('p', null, p.detail ?? ''), this.signInLink())
      : problemBox(p, () => void this.play())));
  }

  /** listen hears of a lost right at once, long before a key is refused. */
  private listen(viewing: Viewing): void {
    const events = new EventSource(viewing.events_url);
    this.events = events;
    events.addEventListener('revoked', (e) => {
      const notice = JSON.parse((e as MessageEvent<string>).data) as { decision: Decision };
      void this.end(notice.decision);
    });
    events.addEventListener('restored', () => this.offer?.());
    events.addEventListener('renew', () => void this.renew());
  }

  private async refused(detail: string): Promise<void> {
    if (this.asking) return; // players repeat themselves
    this.asking = true;
    // Ask why; the answer also tells a network's 403 from the gate's.
    try {
      await this.renew(true);
      this.broken(detail); // the right is there after all
    } catch (err) {
      const p = problemOf(err);
      await this.end(p.decision ?? { outcome: 'no', reason: p.code, message: p.detail ?? 'Your access has ended.', rule_id: '', at: '', valid_until: '', cached: false });
    } finally {
      this.asking = false;
    }
  }

  /**
   * end stops the picture and says why. A page that embeds this one may take
   * over by cancelling the event streamgate:ended; that changes what is shown,
   * not what the server hands out: it releases no further key either way.
   */
  private async end(d: Decision): Promise<void> {
    if (!this.viewing || !this.engine && this.video.dataset.state !== 'opening') return;
    const event = new CustomEvent('streamgate:ended', { bubbles: true, cancelable: true, detail: d });
    if (!this.video.dispatchEvent(event)) return;
    this.resumeAt = this.video.currentTime;
    this.run++;
    this.video.pause();
    const held = this.halt(); // the grant and its events stay: the right may come back
    this.wall(d.outcome === 'unknown' ? 'unknown' : 'revoked', d);
    await held;
  }

  private broken(detail: string): void {
    const event = new CustomEvent('streamgate:ended', { bubbles: true, cancelable: true, detail });
    if (!this.video.dispatchEvent(event)) return;
    this.resumeAt = this.video.currentTime;
    this.run++;
    void this.stop();
    this.state('error');
    fill(this.cover, h('div', { class: 'wall' }, h('div', null, h('h2', null, 'Playback stopped'),
      h('p', null, 'The player could not go on. Your place is kept.'), h('p', { class: 'hint' }, h('code', null, detail)),
      h('button', { type: 'button', class: 'button primary', onclick: () => void this.play() }, 'Try again'))));
    say('Playback stopped.');
  }

  private signInLink(): HTMLElement {
    return link('/sign-in?next=' + encodeURIComponent(location.pathname + location.search), { class: 'button primary' }, icon('wallet'), 'Sign in with a wallet');
  }

  /** wall stands where the picture was and says why, and how to get in. */
  private wall(s: 'denied' | 'unknown' | 'revoked', d: Decision): void {
    this.state(s);
    const full = d.reason === 'too_many_streams';
    const heading = full ? 'Too many screens at once' : { denied: session.account ? 'This wallet does not open the gate' : 'This video is gated', unknown: 'We could not check your access', revoked: 'Your access has ended' }[s];
    const again = h('button', { type: 'button', class: session.account ? 'button primary' : 'button', onclick: () => void this.play() }, s === 'unknown' ? 'Try again' : 'Check again');
    const news = h('div', { 'aria-live': 'polite' });
    const text = s === 'unknown'
      ? 'The blockchain did not give a clear answer just now. This says nothing about what you hold. Try again in a moment.'
      : d.message;
    fill(this.cover, h('div', { class: 'wall', 'data-wall': s },
      h('div', { class: 'wall-head' }, icon(s === 'unknown' ? 'help' : 'lock', 'wall-icon'), h('div', null, h('h2', { tabindex: -1 }, heading), h('p', null, text))),
      s === 'unknown' && d.message ? h('p', { class: 'hint' }, d.message) : null,
      this.asset.gate_sentence && s !== 'unknown' && !full ? h('p', { class: 'hint' }, 'The gate: ', this.asset.gate_sentence) : null,
      s === 'unknown' ? null : waysIn(d, 'h3'),
      news,
      h('div', { class: 'row' }, session.account ? null : this.signInLink(), again,
        session.account ? h('span', { class: 'hint' }, 'Signed in as ', h('code', { title: session.account }, session.current?.name ?? shortAddress(session.account))) : null),
      d.explain ? h('details', null, h('summary', null, 'What was checked'), h('ul', { class: 'tree' }, explainTree(d.explain))) : null));
    say(`${heading}. ${text}`);
    this.cover.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true });
    if (!full) this.watchForReturn(news, again, s); // the gate says yes: it is the places that are taken
  }

  /** watchForReturn offers to go on as soon as the gate would open. */
  private watchForReturn(news: HTMLElement, again: HTMLButtonElement, s: string): void {
    clearInterval(this.poll);
    this.offer = () => {
      clearInterval(this.poll);
      fill(news, h('p', { class: 'notice good' }, 'The gate opens for you now.'));
      again.textContent = s === 'revoked' && this.resumeAt > 1 ? `Continue at ${clock(this.resumeAt * 1000)}` : 'Watch now';
      again.classList.add('primary');
    };
    const account = session.account;
    if (!account || !this.asset.gate || this.asset.policy.public) return;
    const run = this.run;
    this.poll = window.setInterval(async () => {
      if (document.hidden) return;
      const d = await call<Decision>('POST', '/v1/gates/check', { asset_id: this.asset.id, account }, { signal: this.signal }).catch(() => null);
      if (run === this.run && d?.outcome === 'yes') this.offer?.();
    }, 4000);
  }

  private renewBefore(expires: string): void {
    clearTimeout(this.renewal);
    const left = Date.parse(expires) - Date.now();
    this.retry = Math.min(10_000, Math.max(left / 10, 500));
    this.renewal = window.setTimeout(() => void this.renew(), Math.min(Math.max(left * 0.8, 500), 2 ** 31 - 1));
  }

  private async renew(strict = false): Promise<void> {
    const viewing = this.viewing;
    if (!viewing) return;
    try {
      const g = await call<Viewing>('POST', viewing.renew_url, {}, { signal: this.signal });
      if (this.viewing === viewing) this.renewBefore(g.expires_at);
    } catch (err) {
      if (strict) throw err;
      const p = problemOf(err);
      if (err instanceof ProblemError && (p.status === 403 || p.status === 404) && this.viewing === viewing && p.decision) return this.end(p.decision);
      this.renewal = window.setTimeout(() => void this.renew(), this.retry);
    }
  }

  private levels(list: Level[]): void {
    fill(this.quality, h('option', { value: -1 }, 'Auto'), list.map((l) => h('option', { value: l.id }, l.label)));
  }

  /** halt takes the picture away. */
  private async halt(): Promise<void> {
    clearTimeout(this.renewal);
    const e = this.engine;
    this.engine = null;
    await Promise.resolve(e?.destroy()).catch(() => undefined);
  }

  /** stop lets go of the engine, the events and the grant. */
  private async stop(): Promise<void> {
    clearInterval(this.poll);
    this.offer = null;
    this.events?.close();
    this.events = null;
    if (this.viewing) void close(this.viewing);
    this.viewing = null;
    await this.halt();
  }

  private readonly key = (e: KeyboardEvent): void => {
    const t = e.target as HTMLElement;
    if (e.defaultPrevented || e.metaKey || e.ctrlKey || e.altKey || this.video.dataset.state !== 'playing') return;
    if (/^(INPUT|TEXTAREA|SELECT|BUTTON|SUMMARY|A)$/.test(t.tagName)) return;
    const v = this.video;
    const jump = (s: number) => { v.currentTime = Math.max(0, Math.min(v.duration || 0, v.currentTime + s)); };
    const act: Record<string, () => void> = {
      ' ': () => void (v.paused ? v.play() : v.pause()), k: () => void (v.paused ? v.play() : v.pause()),
      j: () => jump(-10), l: () => jump(10), ArrowLeft: () => jump(-5), ArrowRight: () => jump(5), m: () => { v.muted = !v.muted; },
      f: () => void (document.fullscreenElement ? document.exitFullscreen() : this.root.querySelector('.frame')!.requestFullscreen()),
    };
    if (t === v && (e.key === ' ' || e.key.startsWith('Arrow'))) return; // the video's own controls do it
    if (/^[0-9]$/.test(e.key) && v.duration) v.currentTime = (v.duration * Number(e.key)) / 10;
    else if (act[e.key]) act[e.key]();
    else return;
    e.preventDefault();
  };
}

/** close gives the viewing back, also while the page goes away. */
function close(viewing: Viewing): Promise<unknown> {
  return send('DELETE', viewing.close_url, undefined, { anonymous: true, keepalive: true }).catch(() => undefined);
}
