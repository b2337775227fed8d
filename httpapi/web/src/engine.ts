// One face for the three players. Each is loaded only when it is used.

import type { Viewing } from './api';

export interface Level { id: number; label: string }
export type Name = 'hls' | 'shaka' | 'dash';
export interface Events {
  /** refused: a key or licence was refused for good; the right has ended. */
  refused(detail: string): void;
  /** broken: the engine gave up for another reason. */
  broken(detail: string): void;
  levels(list: Level[]): void;
  playing(label: string): void;
}
export interface Engine {
  load(viewing: Viewing, video: HTMLVideoElement, startAt: number): Promise<void>;
  /** setLevel picks a rung, or lets the engine choose with -1. */
  setLevel(id: number): void;
  destroy(): Promise<void> | void;
}
export interface Options { format?: 'hls' | 'dash' }

// BUFFER is how far ahead, in seconds, the page fetches. It is also what bounds
// how long an honest page can play on after a lost right when it was paused
// (docs: key rotation), so it is as short as the key epoch.
export const BUFFER = 4;

export const label = (height: number): string => `${height}p`;

/** prefetch starts the download of an engine without running it. */
export function engine(name: Name, events: Events, opt: Options = {}): Promise<Engine> {
  switch (name) {
    case 'shaka': return import('./engine-shaka').then((m) => m.create(events, opt));
    case 'dash': return import('./engine-dash').then((m) => m.create(events));
    default: return import('./engine-hls').then((m) => m.create(events));
  }
}

export function prefetch(name: Name): void {
  void (name === 'shaka' ? import('./engine-shaka') : name === 'dash' ? import('./engine-dash') : import('./engine-hls')).catch(() => undefined);
}
