// Reads a playlist from standard input with two parsers, the first in strict
// mode, and prints what both understood as JSON.
import fs from 'node:fs'
import HLS from 'hls-parser'
import { Parser } from 'm3u8-parser'

const text = fs.readFileSync(0, 'utf8')
HLS.setOptions({ strictMode: true })
const a = HLS.parse(text)
const p = new Parser()
const warnings = []
p.on('warn', (w) => warnings.push(w.message))
p.on('error', (e) => { throw new Error(JSON.stringify(e)) })
p.push(text)
p.end()
const b = p.manifest
const hex = (x) => x ? Buffer.from(x.buffer ? new Uint8Array(x.buffer, x.byteOffset, x.byteLength) : x).toString('hex') : undefined
console.log(JSON.stringify({
  hls: {
    master: a.isMasterPlaylist, version: a.version, independent: a.independentSegments, type: a.playlistType, ended: a.endlist, target: a.targetDuration,
    variants: a.variants?.map((v) => ({
      uri: v.uri, bandwidth: v.bandwidth, average: v.averageBandwidth, codecs: v.codecs, width: v.resolution?.width, frameRate: v.frameRate,
      audio: v.audio.map((r) => ({ uri: r.uri, language: r.language, channels: r.channels, isDefault: r.isDefault })),
    })),
    segments: a.segments?.map((s) => ({ uri: s.uri, duration: s.duration, key: s.key?.uri, method: s.key?.method, iv: hex(s.key?.iv), map: s.map?.uri })),
  },
  m3u8: {
    warnings, ended: b.endList, type: b.playlistType, target: b.targetDuration,
    playlists: b.playlists?.map((v) => ({ uri: v.uri, captions: v.attributes['CLOSED-CAPTIONS'], audio: v.attributes.AUDIO })),
    segments: b.segments?.map((s) => ({ uri: s.uri, duration: s.duration, key: s.key?.uri, map: s.map?.uri, mapKey: s.map?.key?.uri })),
  },
}))
