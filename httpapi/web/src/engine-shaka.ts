// shaka: DASH by default, HLS when asked.

import shaka from 'shaka-player/dist/shaka-player.compiled.js';
import { BUFFER, Engine, Events, label, Options } from './engine';

interface Fail { code: number; severity: number; data: unknown[] }

/** refusal finds a 403 or 429 in an error or in the error it carries. */
function refusal(err: Fail | undefined, depth = 0): boolean {
  if (!err || depth > 3) return false;
  if (err.code === 1001 && (err.data?.[1] === 403 || err.data?.[1] === 429)) return true;
  return Array.isArray(err.data) && err.data.some((d) => typeof d === 'object' && d !== null && 'code' in d && refusal(d as Fail, depth + 1));
}

export async function create(events: Events, opt: Options): Promise<Engine> {
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  const fail = (err: Fail) => {
    if (refusal(err)) events.refused('shaka ' + err.code);
    else if (err.severity === 2 && err.code !== 7000) events.broken('shaka ' + err.code); // 7000: load interrupted by ourselves
  };
  player.configure({
    streaming: { bufferingGoal: BUFFER, rebufferingGoal: 1, bufferBehind: 60 },
    manifest: {
      disableText: true,
      hls: { disableClosedCaptionsDetection: true },
      // 1077efec alone asks for licences just in time; e2719d58, which dash.js
      // needs, would make shaka take them all at the start.
      dash: { keySystemsByURI: { 'urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b': 'org.w3.clearkey', 'urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e': '' } },
    },
    // A refused licence raises no error event while other sessions are active.
    drm: { failureCallback: fail },
  });
  player.addEventListener('error', (e: { detail: Fail }) => fail(e.detail));
  const variants = () => player.getVariantTracks() as { id: number; height: number; active: boolean; bandwidth: number }[];
  const tellLevels = () => {
    const heights = [...new Set(variants().map((t) => t.height))].sort((a, b) => b - a);
    events.levels(heights.map((id) => ({ id, label: label(id) })));
  };
  const tellPlaying = () => { const t = variants().find((v) => v.active); if (t) events.playing(label(t.height)); };
  player.addEventListener('trackschanged', tellLevels);
  player.addEventListener('adaptation', tellPlaying);
  player.addEventListener('variantchanged', tellPlaying);
  return {
    async load(viewing, video, startAt) {
      await player.attach(video);
      const [url, mime] = opt.format === 'hls' ? [viewing.hls_url, 'application/x-mpegurl'] : [viewing.dash_url, 'application/dash+xml'];
      try {
        await player.load(url, startAt > 0 ? startAt : undefined, mime);
      } catch (err) {
        fail(err as Fail);
        return;
      }
      tellLevels();
      tellPlaying();
    },
    setLevel(id) {
      player.configure({ abr: { enabled: id < 0 } });
      const track = variants().filter((t) => t.height === id).sort((a, b) => b.bandwidth - a.bandwidth)[0];
      if (track) player.selectVariantTrack(track, false);
    },
    async destroy() { await player.destroy(); },
  };
}
