// Plays the part of other verifiers in conformance_test.go: reads one JSON list of cases on stdin and
// writes what each verifier says of each case. It runs in the folder where `npm ci` was done.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const require = createRequire(process.cwd() + '/package.json')
const { SiweMessage } = require('siwe')
const viemSiwe = require('viem/siwe')
const { verifyMessage } = require('viem')
const solana = require('@solana/wallet-standard-util')

// said is the verdict of a verifier; one that throws refuses.
async function said(fn) {
  try {
    return (await fn()) === true
  } catch {
    return false
  }
}

const judges = {
  // A message alone: is it a sign-in message?
  parse: async ({ message, time }) => ({
    siwe: await said(() => !!new SiweMessage(message)),
    viem: await said(() => {
      const f = viemSiwe.parseSiweMessage(message)
      return viemSiwe.validateSiweMessage({ message: f, time: new Date(time) }) && !!f.nonce && !!f.uri
    }),
  }),
  // A signed message, with what the server expects.
  evm: async ({ message, signature = '', domain, nonce, address, time }) => ({
    siwe: await said(async () => (await new SiweMessage(message).verify({ signature, domain, nonce, time })).success),
    viem: await said(async () => {
      const f = viemSiwe.parseSiweMessage(message)
      return viemSiwe.validateSiweMessage({ message: f, domain, nonce, address, time: new Date(time) }) &&
        (await verifyMessage({ address, message, signature }))
    }),
  }),
  // The same of Solana; input is what the server asked the wallet for, without the address, which the wallet
  // fills in. "echoed" takes the input from the browser, as the published example of a back end does.
  solana: async ({ message, signature, publicKey, input }) => {
    const output = {
      account: { publicKey: Buffer.from(publicKey, 'hex') },
      signedMessage: new TextEncoder().encode(message),
      signature: Buffer.from(signature ?? '', 'hex'),
    }
    const { address, ...echo } = solana.parseSignInMessageText(message) ?? {}
    return {
      bound: await said(() => solana.verifySignIn(input, output)),
      echoed: await said(() => solana.verifySignIn(echo, output)),
    }
  },
  // A bare Ed25519 signature.
  ed25519: async ({ message, signature, publicKey }) => {
    const bytes = Buffer.from(message ?? '', 'hex')
    return {
      bound: await said(() =>
        solana.verifyMessageSignature({
          message: bytes, signedMessage: bytes, signature: Buffer.from(signature ?? '', 'hex'), publicKey: Buffer.from(publicKey, 'hex'),
        })),
    }
  },
}

const cases = JSON.parse(readFileSync(0, 'utf8'))
const answers = await Promise.all(cases.map((c) => judges[c.kind](c)))
process.stdout.write(JSON.stringify(answers))
