// Compiles contracts/*.sol with the settings below into one file: name -> {abi, bytecode, runtime}.
// Usage: node compile.js FILE
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const solc = require('solc')

const contracts = path.join(__dirname, 'contracts')
const sources = {}
for (const name of fs.readdirSync(contracts).filter((name) => name.endsWith('.sol')).sort()) {
  sources[name] = { content: fs.readFileSync(path.join(contracts, name), 'utf8') }
}
const input = {
  language: 'Solidity',
  sources,
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'prague',
    // Without the hash of sources and paths the bytecode is the same wherever it is compiled.
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
  },
}
const found = (name) => ({ contents: fs.readFileSync(path.join(__dirname, 'node_modules', name), 'utf8') })
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: found }))
const complaints = output.errors ?? []
for (const complaint of complaints) process.stderr.write(complaint.formattedMessage)
if (complaints.length) process.exit(1)

const made = {}
for (const name of Object.keys(sources)) {
  const contract = path.basename(name, '.sol')
  const { abi, evm } = output.contracts[name][contract]
  made[contract] = { abi, bytecode: '0x' + evm.bytecode.object, runtime: '0x' + evm.deployedBytecode.object }
}
const target = process.argv[2]
fs.mkdirSync(path.dirname(target), { recursive: true })
fs.writeFileSync(target, JSON.stringify(made) + '\n')
