// Uploads a file with tus-js-client: node upload.cjs MODULES URL FILE ASSET MODE
// MODE is plain, resume (abort half-way and go on) or parallel. Prints the upload's URL.
const [, , modules, endpoint, file, asset, mode] = process.argv;
const tus = require(require('path').join(modules, 'tus-js-client'));
const data = require('fs').readFileSync(file);
let aborted = false;
const fail = (e) => { console.error(String(e)); process.exit(1); };
const upload = new tus.Upload(data, {
  endpoint,
  headers: { Authorization: 'Bearer ann' },
  metadata: { asset_id: asset, filename: 'клип 1.mp4', filetype: 'video/mp4' },
  metadataForPartialUploads: { asset_id: asset },
  chunkSize: mode === 'plain' ? Infinity : Math.ceil(data.length / 7),
  parallelUploads: mode === 'parallel' ? 3 : 1,
  retryDelays: [100, 300],
  onError: fail,
  onChunkComplete: () => {
    if (mode !== 'resume' || aborted) return;
    aborted = true;
    upload.abort().then(() => upload.start()).catch(fail);
  },
  onSuccess: () => console.log(upload.url),
});
upload.start();
