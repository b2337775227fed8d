// cid.mjs: reads [{size, seed, chunkSize, maxLinks}] as JSON and prints the CID that the JavaScript importer
// gives the file of size bytes, byte i being (i * 31 + (i >> 8) * 17 + seed) & 255.
import { readFileSync } from 'node:fs'
import { MemoryBlockstore } from 'blockstore-core/memory'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'

function * body (size, seed) {
  for (let at = 0; at < size; at += 65536) {
    const part = new Uint8Array(Math.min(65536, size - at))
    for (let k = 0; k < part.length; k++) {
      const i = at + k
      part[k] = (i * 31 + (i >> 8) * 17 + seed) & 255
    }
    yield part
  }
}

const answers = []
for (const { size, seed, chunkSize, maxLinks } of JSON.parse(readFileSync(0, 'utf8'))) {
  const options = {
    cidVersion: 1, rawLeaves: true, reduceSingleLeafToSelf: true, wrapWithDirectory: false,
    chunker: fixedSize({ chunkSize }), layout: balanced({ maxChildrenPerNode: maxLinks })
  }
  let cid
  for await (const entry of importer([{ content: body(size, seed) }], new MemoryBlockstore(), options)) cid = entry.cid
  answers.push(cid.toString())
}
console.log(JSON.stringify(answers))
