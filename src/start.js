// `npm start` and `npm run admin` begin here, in JavaScript that old Nodes can read too: npm brings Node 24 along
// (the package `node`), but not for every kind of machine, and there the machine's own one serves.

const NEEDED = 24;

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  // `process.argv` stays as it is: the shell's own parser takes its first word off.
  if (process.argv[2] === 'admin') await import('./admin/main.ts');
  else await import('./main.ts');
} else {
  process.stderr.write(
    `Latchkey needs Node ${NEEDED} or newer; this is ${process.version}. Run npm ci, which brings one along for most machines, or install it from https://nodejs.org.\n`,
  );
  process.exitCode = 1;
}
