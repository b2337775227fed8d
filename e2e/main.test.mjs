import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDemo, launch, api, signIn, transfer, open, hostile, picture, lastFrame, until, serveFiles, shots, address } from './harness.mjs';

let demo, browser;
before(async () => { demo = await startDemo(); browser = await launch(); }, { timeout: 360000 });
after(async () => { await browser?.close(); await demo?.stop(); });

const engines = ['hls', 'shaka', 'dash'];
const forms = { hls: 'HLS AES-128', shaka: 'DASH cbcs', dash: 'DASH cbcs' };

test('an outside player plays what the holder is granted', { timeout: 120000 }, async t => {
  for (const line of demo.log().match(/^(playable|ready) .*$/gm) ?? []) t.diagnostic(line);
  for (const engine of engines) await t.test(`${engine} (${forms[engine]})`, async () => {
    const page = await hostile(demo, browser, engine, await open(demo, 'holder'));
    const p = await until('96 frames and sound', 30000, async () => { const p = await picture(page); return p.frames >= 96 && p.audio > 10000 && p; });
    assert.equal(p.error, null);
    assert.ok(p.dropped < p.total / 2, `dropped ${p.dropped} of ${p.total}`);
    await page.screenshot({ path: join(shots, `plays-${engine}.png`) });
    await page.close();
  });
});

test('the gate answers the newcomer with the reason, and nobody without sign-in', async () => {
  const token = await signIn(demo, 'newcomer');
  const r = await api(demo, `/v1/assets/${demo.asset_id}/playback`, { method: 'POST', token, body: {} });
  assert.equal(r.status, 403);
  assert.equal(r.json.code, 'forbidden');
  assert.equal(r.json.decision.outcome, 'no');
  assert.ok(r.json.decision.how_to.length > 0, r.text);
  assert.equal((await api(demo, `/v1/assets/${demo.asset_id}/playback`, { method: 'POST', body: {} })).status, 401);
});

// The bound of a hostile page: lead 4 s + epoch 4 s + lag, at most 10 s after the block.
const rounds = {
  'in steady play': async () => {},
  'after a seek': async page => {
    await page.evaluate(() => { document.querySelector('video').currentTime = 24; });
    await until('frames after the seek', 15000, async () => (await picture(page)).t > 26);
  },
  'after a pause': async page => {
    await page.evaluate(() => document.querySelector('video').pause());
    await new Promise(r => setTimeout(r, 12000));
    await page.evaluate(() => document.querySelector('video').play());
    const { frames } = await picture(page);
    await until('frames after the pause', 10000, async () => (await picture(page)).frames > frames + 24);
  },
};
for (const [when, prepare] of Object.entries(rounds)) {
  test(`a hostile page goes dark within 10 s of the transfer, ${when}`, { timeout: 150000 }, async t => {
    const pages = await Promise.all(engines.map(async e => hostile(demo, browser, e, await open(demo, 'holder'))));
    await Promise.all(pages.map(p => until('72 frames', 40000, async () => (await picture(p)).frames >= 72)));
    await Promise.all(pages.map(prepare));
    const at = await transfer(demo, 'holder', 'newcomer');
    try {
      const ends = await Promise.all(pages.map(p => lastFrame(p)));
      for (const [i, engine] of engines.entries()) {
        const s = (ends[i] - at) / 1000, p = await picture(pages[i]);
        t.diagnostic(`${engine}: picture ended ${s.toFixed(2)} s after the transfer at ${p.t.toFixed(1)} s; ${p.errors.slice(0, 2).join(' | ')}`);
        assert.ok(s <= 10, `${engine}: the picture went on for ${s} s`);
        assert.ok(p.t < 45, `${engine} reached the end of the clip, which proves nothing`);
      }
    } finally {
      await Promise.all(pages.map(p => p.close()));
      await transfer(demo, 'newcomer', 'holder');
    }
  });
}

test('players fail with a wrong key', { timeout: 60000 }, async t => {
  for (const engine of engines) await t.test(engine, async () => {
    const grant = await open(demo, 'holder');
    const page = await browser.newPage();
    await page.route(/\/v1\/play\/[^/]+\/key\//, r => r.fulfill({ status: 200, contentType: 'application/octet-stream', body: Buffer.alloc(16, 7) }));
    await page.route(/\/v1\/play\/[^/]+\/license/, r => {
      const { kids } = JSON.parse(r.request().postData());
      return r.fulfill({ status: 200, contentType: 'application/json', body: JSON.stringify({ type: 'temporary', keys: kids.map(kid => ({ kty: 'oct', kid, k: Buffer.alloc(16, 7).toString('base64url') })) }) });
    });
    await serveFiles(page);
    const abs = p => new URL(p, demo.url).href;
    await page.goto(`${demo.url}/__e2e/hostile.html?engine=${engine}&hls=${encodeURIComponent(abs(grant.hls_url))}&dash=${encodeURIComponent(abs(grant.dash_url))}`);
    await new Promise(r => setTimeout(r, 6000));
    // A wrong key decrypts to noise: what the decoder conceals may count as a frame, never as a running picture.
    assert.ok((await picture(page)).frames < 12, `${(await picture(page)).frames} frames with a wrong key`);
    await page.close();
  });
});

test('segments without the key are not playable, and the same for everyone', async () => {
  const bytesOf = async name => {
    const grant = await open(demo, name);
    const master = await (await fetch(new URL(grant.hls_url, demo.url))).text();
    const media = new URL(master.split('\n').find(l => l && !l.startsWith('#')), new URL(grant.hls_url, demo.url));
    const playlist = await (await fetch(media)).text();
    const init = new URL(/EXT-X-MAP:URI="([^"]+)"/.exec(playlist)[1], media);
    const seg = new URL(playlist.split('\n').find(l => l && !l.startsWith('#')), media);
    return { init: Buffer.from(await (await fetch(init)).arrayBuffer()), seg: Buffer.from(await (await fetch(seg)).arrayBuffer()), url: seg.href };
  };
  const a = await bytesOf('holder'), b = await bytesOf('creator');
  assert.equal(a.url, b.url);
  assert.deepEqual(a.seg, b.seg);
  const file = join(shots, 'without-key.mp4');
  writeFileSync(file, Buffer.concat([a.init, a.seg]));
  let frames = '0';
  try {
    frames = execFileSync('ffprobe', ['-v', 'quiet', '-count_frames', '-select_streams', 'v', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', file]).toString().trim() || '0';
  } catch { /* not even a container */ }
  assert.ok(!(Number(frames) > 0), `ffprobe decoded ${frames} frames without a key`);
});

test('after the transfer the new holder plays', { timeout: 60000 }, async () => {
  await transfer(demo, 'holder', 'newcomer');
  try {
    const page = await hostile(demo, browser, 'hls', await open(demo, 'newcomer'));
    await until('frames', 20000, async () => (await picture(page)).frames >= 48);
    await page.close();
    const token = await signIn(demo, 'holder');
    assert.equal((await api(demo, `/v1/assets/${demo.asset_id}/playback`, { method: 'POST', token, body: {} })).status, 403);
  } finally {
    await transfer(demo, 'newcomer', 'holder');
  }
  assert.ok(address(demo, 'holder'));
});
