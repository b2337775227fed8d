// Plays the part of the browser in clients_test.go: builds, signs and judges
// sign-in messages with viem and siwe. Reads one JSON command on stdin, writes one
// JSON answer on stdout. It runs in the folder where `npm ci` was done.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const require = createRequire(process.cwd() + '/package.json')
const { SiweMessage } = require('siwe')
const { privateKeyToAccount } = require('viem/accounts')
const viemSiwe = require('viem/siwe')
const { Wallet } = require('ethers')
const { verifyMessage } = require('viem')

// sign rebuilds the server's message from its fields with both libraries and signs
// what each of them built.
const sign = ({ inputs }) => Promise.all(inputs.map(signOne))

async function signOne({ message, privateKey }) {
  const f = viemSiwe.parseSiweMessage(message)
  const viemMessage = viemSiwe.createSiweMessage(f)
  const viemSignature = await privateKeyToAccount(privateKey).signMessage({ message: viemMessage })

  const parsed = new SiweMessage(message)
  const siweMessage = new SiweMessage({ ...parsed }).prepareMessage()
  const siweSignature = await new Wallet(privateKey).signMessage(siweMessage)
  const verdict = await parsed.verify({ signature: siweSignature, domain: parsed.domain, nonce: parsed.nonce })

  return {
    viem: { message: viemMessage, signature: viemSignature },
    siwe: { message: siweMessage, signature: siweSignature },
    siweVerifies: verdict.success,
    siweVerifiesViem: (await parsed.verify({ signature: viemSignature })).success,
    viemVerifiesSiwe: await verifyMessage({ address: f.address, message, signature: siweSignature }),
    viemValidates: viemSiwe.validateSiweMessage({ message: f, address: f.address, domain: f.domain, nonce: f.nonce }),
  }
}

// judge tells of each input what the libraries say of it.
const judge = ({ inputs }) => Promise.all(inputs.map(async ({ message, signature }) => ({
  siwe: await siweAccepts(message, signature),
  viem: await viemAccepts(message, signature),
})))

async function siweAccepts(message, signature) {
  try {
    const m = new SiweMessage(message)
    return (await m.verify({ signature, time: '2021-09-30T16:27:00Z' })).success
  } catch {
    return false
  }
}

async function viemAccepts(message, signature) {
  try {
    const f = viemSiwe.parseSiweMessage(message)
    return viemSiwe.validateSiweMessage({ message: f, time: new Date('2021-09-30T16:27:00Z') }) &&
      await verifyMessage({ address: f.address, message, signature })
  } catch {
    return false
  }
}

const command = JSON.parse(readFileSync(0, 'utf8'))
const answer = await { sign, judge }[command.do](command)
process.stdout.write(JSON.stringify(answer))
