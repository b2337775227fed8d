// One's own video: upload, progress, details, gate.

import { Asset, call, follow, problemOf } from './api';
import { field, fill, h, icon, put, say, size } from './dom';
import { gateEditor } from './gate';
import { session } from './session';
import { go, link, title, View } from './router';
import { badge, empty, problemBox, skeleton } from './ui';
import { begin, interrupted, Progress, running } from './upload';

function dropZone(text: string, hint: string, onFile: (f: File) => void): HTMLElement {
  const input = h('input', { type: 'file', accept: 'video/*,.mkv,.ts,.mp4,.mov,.webm', class: 'sr', id: 'file', onchange: () => { if (input.files?.[0]) onFile(input.files[0]); } });
  const zone = h('div', { class: 'drop' }, icon('upload', 'drop-icon'), h('p', { class: 'drop-text' }, text), input, h('label', { for: 'file', class: 'button' }, 'Choose a file'), h('p', { class: 'hint' }, hint));
  const over = (on: boolean) => (e: DragEvent) => { e.preventDefault(); zone.classList.toggle('over', on); };
  zone.addEventListener('dragover', over(true));
  zone.addEventListener('dragleave', over(false));
  zone.addEventListener('drop', (e) => {
    over(false)(e);
    const f = e.dataTransfer?.files[0];
    if (f) onFile(f);
  });
  return zone;
}

const signedOut = (what: string) => h('div', { class: 'page' }, empty('Sign in first', what, link('/sign-in?next=' + encodeURIComponent(location.pathname), { class: 'button primary' }, icon('wallet'), 'Sign in')));

export function newVideo({ root, signal }: View): void {
  title('Upload a video');
  if (!session.account) return put(root, h('h1', { class: 'sr' }, 'Upload a video'), signedOut('A wallet shows who the video belongs to.'));
  const note = h('div');
  let busy = false;
  const create = async (f: File) => {
    if (busy) return;
    busy = true;
    fill(note, h('p', { class: 'notice' }, `Preparing ${f.name}…`));
    try {
      const name = f.name.replace(/\.[^.]+$/, '').replace(/[_-]+/g, ' ').trim() || 'Untitled';
      const a = await call<Asset>('POST', '/v1/assets', { title: name }, { headers: { 'Idempotency-Key': crypto.randomUUID() } });
      begin(a.id, f);
      if (!signal.aborted) go(`/videos/${a.id}`, true);
    } catch (err) {
      busy = false;
      fill(note, problemBox(problemOf(err)));
    }
  };
  put(root, h('div', { class: 'page narrow' }, h('h1', null, 'Upload a video'),
    h('p', { class: 'lead' }, 'It stays private until you decide who may watch. You can set that while it uploads.'),
    dropZone('Drop a video here', 'MP4, MOV, MKV, WebM or MPEG-TS. Large files are fine: uploads pause, resume and survive a reload.', (f) => void create(f)), note));
}

export async function video(v: View): Promise<void> {
  const { root, params, signal } = v;
  title('Video');
  const page = h('div', { class: 'page' }, skeleton(4));
  put(root, page);
  let asset: Asset;
  try {
    asset = await call<Asset>('GET', `/v1/assets/${params.id}`, undefined, { signal });
  } catch (err) {
    if (!signal.aborted) fill(page, h('h1', null, 'Video'), problemBox(problemOf(err)), session.account ? null : signedOut('It may be yours: sign in to see.'));
    return;
  }
  if (signal.aborted) return;
  if (!asset.mine) return go(`/watch/${asset.id}`, true);

  title(asset.title);
  const heading = h('h1', null, asset.title);
  const state = h('span', null, badge(asset));
  const actions = h('div', { class: 'row' });
  const media = h('section', { class: 'panel', 'aria-label': 'File' });
  const transferBox = h('div');
  const progressBox = h('div');
  put(media, transferBox, progressBox);

  const upload = (f: File) => { begin(asset.id, f); drawUpload(); };
  const drawUpload = () => {
    const t = running(asset.id);
    if (t) return t.on((p) => fill(transferBox, uploadRow(p, t)), signal);
    if (asset.status === 'created' || asset.status === 'uploading' || asset.status === 'failed') {
      const cut = interrupted(asset.id);
      fill(transferBox, dropZone(
        cut ? 'This upload was interrupted' : asset.status === 'failed' ? 'Try another file' : 'Drop the video here',
        cut ? `Choose “${cut.name}” (${size(cut.size)}) again: it goes on where it stopped.` : 'MP4, MOV, MKV, WebM or MPEG-TS.', upload));
    } else fill(transferBox);
  };

  let drawn = '';
  const draw = () => {
    heading.textContent = asset.title;
    fill(state, badge(asset));
    const plays = asset.status === 'playable' || asset.status === 'ready';
    fill(actions, plays ? link(`/watch/${asset.id}`, { class: 'button primary' }, icon('play'), 'Watch') : null,
      plays ? h('button', { type: 'button', class: 'button', onclick: () => void navigator.clipboard.writeText(new URL(`/watch/${asset.id}`, location.href).href).then(() => say('Link copied.')) }, 'Copy the link') : null);
    fill(progressBox, progressView(asset));
    media.hidden = asset.status === 'ready' && !running(asset.id);
    if (drawn !== asset.status) { if (drawn) say(`${asset.title}: ${asset.status}`); drawn = asset.status; drawUpload(); }
  };

  fill(page,
    h('div', { class: 'head' }, h('div', null, heading, h('p', { class: 'row' }, state)), actions),
    media,
    h('div', { class: 'columns' },
      h('section', { class: 'panel', 'aria-labelledby': 'gate-h' }, h('h2', { id: 'gate-h' }, 'Who may watch'), gateEditor(asset, signal)),
      h('div', null, details(asset, (a) => { asset = a; draw(); }), danger(asset))));
  draw();
  void follow(`/v1/assets/${asset.id}/events`, signal, (event, data) => { if (event === 'asset') { asset = data as Asset; draw(); } });
}

function uploadRow(p: Progress, t: NonNullable<ReturnType<typeof running>>): HTMLElement {
  const percent = p.total ? Math.floor((p.sent / p.total) * 100) : 0;
  const left = p.rate > 0 ? Math.ceil((p.total - p.sent) / p.rate) : 0;
  const words: Record<Progress['state'], string> = {
    starting: 'Starting…', running: `${size(p.sent)} of ${size(p.total)}${p.rate ? `, ${size(p.rate)}/s` : ''}${left ? `, ${left < 90 ? `${left} s` : `${Math.round(left / 60)} min`} left` : ''}`,
    paused: `Paused at ${percent} %`, waiting: 'The connection broke. Trying again…', done: 'Uploaded', failed: p.error ?? 'Failed',
  };
  return h('div', { class: 'transfer' },
    h('div', { class: 'transfer-head' }, h('strong', null, p.name), h('span', { class: 'percent' }, `${percent} %`)),
    h('progress', { max: 100, value: percent, 'aria-label': `Upload of ${p.name}` }),
    h('div', { class: 'transfer-head' }, h('span', { class: p.state === 'failed' ? 'hint bad' : 'hint' }, words[p.state]),
      h('span', { class: 'row' },
        p.state === 'running' || p.state === 'waiting' ? h('button', { type: 'button', class: 'button small', onclick: () => void t.pause() }, icon('pause'), 'Pause') : null,
        p.state === 'paused' || p.state === 'failed' ? h('button', { type: 'button', class: 'button small', onclick: () => t.resume() }, icon('play'), 'Resume') : null)));
}

function progressView(a: Asset): HTMLElement | null {
  if (a.status === 'failed') return h('div', { class: 'notice bad', role: 'alert' }, h('strong', null, 'This file could not be used'), h('p', null, a.reason || 'It could not be read as video.'));
  if (a.status !== 'processing' && a.status !== 'playable') return null;
  const stage: Record<string, string> = { upload: 'Receiving', probe: 'Looking at the file', transcode: 'Making it play everywhere', done: 'Finishing' };
  const percent = Math.min(100, Math.max(0, Math.floor(a.progress.percent || 0)));
  return h('div', { class: 'transfer' },
    h('div', { class: 'transfer-head' }, h('strong', null, stage[a.progress.stage] ?? 'Working'), h('span', { class: 'percent' }, `${percent} %`)),
    h('progress', { max: 100, value: percent, 'aria-label': 'Preparation' }),
    h('p', { class: 'hint' }, [a.progress.rung ? `Now ${a.progress.rung}` : '', a.progress.eta_sec ? `about ${Math.ceil(a.progress.eta_sec)} s left` : '', a.status === 'playable' ? 'you can watch already' : ''].filter(Boolean).join(', ')));
}

function details(a: Asset, saved: (a: Asset) => void): HTMLElement {
  const name = h('input', { value: a.title, required: true, maxlength: 200 });
  const text = h('textarea', { rows: 3, value: a.description ?? '' });
  const tags = h('input', { value: (a.tags ?? []).join(', ') });
  const open = h('input', { type: 'checkbox', id: 'public', checked: !!a.policy.public });
  const note = h('div', { 'aria-live': 'polite' });
  const save = async (e: Event) => {
    e.preventDefault();
    try {
      saved(await call<Asset>('PATCH', `/v1/assets/${a.id}`, {
        title: name.value.trim(), description: text.value.trim(), tags: tags.value.split(',').map((t) => t.trim()).filter(Boolean), policy: { ...a.policy, public: open.checked },
      }));
      a.policy.public = open.checked;
      fill(note, h('p', { class: 'hint good' }, 'Saved.'));
    } catch (err) {
      fill(note, problemBox(problemOf(err)));
    }
  };
  return h('section', { class: 'panel', 'aria-labelledby': 'det-h' }, h('h2', { id: 'det-h' }, 'Details'),
    h('form', { onsubmit: (e: Event) => void save(e) }, field('Title', name), field('Description', text), field('Tags', tags, 'Separated by commas.'),
      h('div', { class: 'check' }, open, h('label', { for: 'public' }, 'Open to everyone', h('span', { class: 'hint' }, 'Anyone plays it, signed in or not. The gate is not asked.'))),
      note, h('button', { class: 'button' }, 'Save the details')));
}

function danger(a: Asset): HTMLElement {
  const note = h('div');
  const remove = async () => {
    try {
      await call('DELETE', `/v1/assets/${a.id}`);
      say('Deleted.');
      go('/', true);
    } catch (err) {
      fill(note, problemBox(problemOf(err)));
    }
  };
  const ask = h('dialog', { 'aria-labelledby': 'del-h' }, h('h2', { id: 'del-h' }, `Delete “${a.title}”?`), h('p', null, 'The video, its keys and its link are gone for good. Nobody can bring them back.'),
    h('form', { method: 'dialog', class: 'row' }, h('button', { class: 'button' }, 'Keep it'), h('button', { class: 'button danger', onclick: () => void remove() }, 'Delete for good')));
  return h('section', { class: 'panel' }, h('h2', null, 'Delete'), h('p', { class: 'hint' }, 'Removes the video and destroys its keys.'), note, ask,
    h('button', { type: 'button', class: 'button danger', onclick: () => ask.showModal() }, 'Delete this video'));
}
