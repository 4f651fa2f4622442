// Compiles the *.sol of a directory with the settings below into one file: name -> {abi, bytecode, runtime}.
// Usage: node compile.js DIRECTORY FILE EVM-VERSION
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const solc = require('solc')

const [contracts, target, evmVersion] = process.argv.slice(2)
const sources = {}
for (const name of fs.readdirSync(contracts).filter((name) => name.endsWith('.sol')).sort()) {
  sources[name] = { content: fs.readFileSync(path.join(contracts, name), 'utf8') }
}
const input = {
  language: 'Solidity',
  sources,
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion,
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
fs.mkdirSync(path.dirname(target), { recursive: true })
fs.writeFileSync(target, JSON.stringify(made, null, 1) + '\n')
