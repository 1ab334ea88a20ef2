// build.js - compiles contracts/src by the standard JSON interface of solc-js into contracts/gen: a JSON file with
// ABI and code for each contract that is deployed. The same sources give the same bytes on every machine.
//   node tools/evm/build.js           writes contracts/gen
//   node tools/evm/build.js --check   fails when contracts/gen is not what the sources give
//   node tools/evm/build.js --size    prints the size of each contract's code
"use strict";
const fs = require("fs");
const path = require("path");

const root = path.join(__dirname, "..", "..");
const modules = path.join(root, "build", "evm", "node_modules");
const solc = require(path.join(modules, "solc"));
const settings = require("./settings.json");

const GEN = path.join(root, "contracts", "gen");
const CODE_MAX = 24576; // EIP-170

const sources = {};
for (const dir of ["src", "examples"]) {
	for (const f of fs.readdirSync(path.join(root, "contracts", dir)).sort()) {
		const content = fs.readFileSync(path.join(root, "contracts", dir, f), "utf8");
		if (f.endsWith(".sol")) sources[`${dir}/${f}`] = { content };
	}
}

function find(name) {
	const file = path.join(modules, name);
	return fs.existsSync(file) ? { contents: fs.readFileSync(file, "utf8") } : { error: "no such file" };
}

const input = {
	language: "Solidity",
	sources,
	settings: {
		...settings.compiler,
		outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
	},
};
const out = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
// 2394: the reentrancy guard of the library uses transient storage, and clears it.
const problems = (out.errors || []).filter((p) => p.errorCode !== "2394");
for (const p of problems) process.stderr.write(p.formattedMessage);
if (problems.length) {
	process.stderr.write(`build.js: ${problems.length} errors and warnings\n`);
	process.exit(1);
}

const files = {};
for (const name of [...settings.contracts, ...settings.examples]) {
	const dir = settings.examples.includes(name) ? "examples" : "src";
	const c = out.contracts[`${dir}/${name}.sol`][name];
	const size = c.evm.deployedBytecode.object.length / 2;
	if (process.argv.includes("--size")) console.log(`${name}: ${size} of ${CODE_MAX} bytes`);
	if (size > CODE_MAX) {
		process.stderr.write(`build.js: ${name} has ${size} bytes of code, more than ${CODE_MAX} (EIP-170)\n`);
		process.exitCode = 1;
	}
	const text = {
		contract: name,
		compiler: solc.version(),
		abi: c.abi,
		code: "0x" + c.evm.bytecode.object,
	};
	files[name + ".json"] = JSON.stringify(text, null, 1) + "\n";
}
if (process.argv.includes("--size")) process.exit();

let stale = 0;
if (process.argv.includes("--check")) {
	const have = fs.existsSync(GEN) ? fs.readdirSync(GEN) : [];
	for (const f of new Set([...have, ...Object.keys(files)])) {
		const is = have.includes(f) ? fs.readFileSync(path.join(GEN, f), "utf8") : "";
		if (is === files[f]) continue;
		console.log(`contracts/gen/${f} is not what contracts/src gives: run make contracts`);
		stale++;
	}
	console.log(`${Object.keys(files).length - stale} passed, ${stale} failed`);
	if (stale) process.exitCode = 1;
} else {
	fs.mkdirSync(GEN, { recursive: true });
	for (const f in files) fs.writeFileSync(path.join(GEN, f), files[f]);
}
