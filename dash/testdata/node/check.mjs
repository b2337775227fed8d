// Reads a manifest from standard input with mpd-parser and prints what it understood as JSON.
import fs from 'node:fs'
import { parse } from 'mpd-parser'

const events = []
const m = parse(fs.readFileSync(0, 'utf8'), { manifestUri: 'https://host/v1/play/token/dash/manifest.mpd', eventHandler: (e) => events.push(e) })
const segments = (p) => p.segments.map((s) => ({ uri: s.resolvedUri, duration: s.duration, map: s.map.resolvedUri, start: s.presentationTime, timeline: s.timeline }))
const audio = Object.values(m.mediaGroups.AUDIO.audio ?? {}).flatMap((g) => g.playlists)
console.log(JSON.stringify({
  events: events.map((e) => e.message ?? e.type), duration: m.duration, type: m.playlists[0].endList,
  video: m.playlists.map((p) => ({
    name: p.attributes.NAME, bandwidth: p.attributes.BANDWIDTH, codecs: p.attributes.CODECS, width: p.attributes.RESOLUTION?.width,
    protection: Object.keys(p.contentProtection ?? {}), segments: segments(p),
  })),
  audio: audio.map((p) => ({ name: p.attributes.NAME, segments: segments(p) })),
}))
