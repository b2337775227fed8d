// hls.js: the default.

import Hls, { ErrorDetails, ErrorTypes, Events as E } from 'hls.js';
import { BUFFER, Engine, Events, label } from './engine';

export function create(events: Events): Engine {
  if (!Hls.isSupported()) return native(events);
  const hls = new Hls({
    // Both: maxBufferLength alone does nothing, the goal grows with the bitrate.
    maxBufferLength: BUFFER,
    maxMaxBufferLength: BUFFER,
    backBufferLength: 60,
    enableWorker: false,
    emeEnabled: false,
  });
  hls.on(E.ERROR, (_, data) => {
    const status = data.response?.code ?? 0;
    if (data.details === ErrorDetails.KEY_LOAD_ERROR && (status === 403 || status === 429)) return events.refused(data.details);
    if ((data.type === ErrorTypes.NETWORK_ERROR) && status === 403) return events.refused(data.details);
    if (!data.fatal) return;
    if (data.type === ErrorTypes.MEDIA_ERROR) return hls.recoverMediaError();
    events.broken(data.details);
  });
  hls.on(E.MANIFEST_PARSED, (_, data) => events.levels(data.levels.map((l, id) => ({ id, label: label(l.height) })).reverse()));
  hls.on(E.LEVEL_SWITCHED, (_, data) => events.playing(label(hls.levels[data.level]?.height ?? 0)));
  return {
    load(viewing, video, startAt) {
      if (startAt > 0) hls.config.startPosition = startAt;
      hls.loadSource(viewing.hls_url);
      hls.attachMedia(video);
      return Promise.resolve();
    },
    setLevel(id) { hls.nextLevel = id; },
    destroy() { hls.destroy(); },
  };
}

/** native hands the playlist to a browser that plays HLS by itself. */
function native(events: Events): Engine {
  let el: HTMLVideoElement | null = null;
  return {
    load(viewing, video, startAt) {
      el = video;
      video.src = viewing.hls_url;
      video.addEventListener('error', () => events.broken(video.error?.message ?? 'media error'), { once: true });
      if (startAt > 0) video.currentTime = startAt;
      return Promise.resolve();
    },
    setLevel() { /* the browser chooses */ },
    destroy() { el?.removeAttribute('src'); el?.load(); },
  };
}
