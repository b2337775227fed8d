// dash.js: DASH.

import { MediaPlayer } from 'dashjs';
import { BUFFER, Engine, Events, label } from './engine';

export function create(events: Events): Engine {
  const player = MediaPlayer().create();
  player.initialize();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      // A paused player that goes on fetching also goes on collecting keys.
      scheduling: { scheduleWhilePaused: false },
      buffer: { bufferTimeDefault: BUFFER, bufferTimeAtTopQuality: BUFFER, bufferTimeAtTopQualityLongForm: BUFFER },
      text: { defaultEnabled: false },
    },
  });
  const heights: number[] = [];
  player.on('error', (e: unknown) => {
    const { code, message } = (e as { error?: { code?: number; message?: string } }).error ?? {};
    if (code === 114 && /403|429/.test(message ?? '')) return events.refused('dash 114');
    if (/\b(403|429)\b/.test(message ?? '')) return events.refused('dash ' + code);
    events.broken(`dash ${code ?? ''}`);
  });
  const level = () => {
    const r = player.getCurrentRepresentationForType('video');
    if (r) events.playing(label(r.height));
  };
  player.on('streamInitialized', () => {
    const list = player.getRepresentationsByType('video');
    heights.splice(0, heights.length, ...list.map((r) => r.height));
    events.levels(list.map((r) => ({ id: r.height, label: label(r.height) })).reverse());
    level();
  });
  player.on('qualityChangeRendered', level);
  return {
    load(viewing, video, startAt) {
      player.attachView(video);
      player.attachSource(viewing.dash_url, startAt > 0 ? startAt : undefined);
      return Promise.resolve();
    },
    setLevel(id) {
      player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: id < 0 } } } });
      const index = heights.indexOf(id);
      if (index >= 0) player.setRepresentationForTypeByIndex('video', index, false);
    },
    destroy() { player.destroy(); },
  };
}
