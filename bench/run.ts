import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { identityMeasures } from './identity.ts';
import { imageMeasures } from './image.ts';
import { type Bench, inTurn } from './measure.ts';
import { startOwnCloud } from './own-cloud.ts';
import { joinPeer } from './peer-cloud.ts';
import { placementMeasures } from './placement.ts';
import { progress } from './progress.ts';
import { serverMeasures } from './servers.ts';
import { openTable } from './table.ts';

const usage = `npm run bench -- [PART…] [options]
Measures a fresh cloud on this machine and prints a table: what, how much, and the ratio to what OpenStack does with
the same work. Nothing here passes or fails. Needs curl and wrk.

Parts, in the order in which they are named; servers where none is
  servers              servers from the request to ACTIVE, lists of every service, ports
  image                lists, and an image of 1 GiB up and down
  placement            candidates and claims among up to 1,000 providers; candidates among 11,000
  identity             tokens, lists, logins; then lists and checks among 100,000 users

Options
  --peer OPENRC        a running OpenStack to measure beside, by its administrator's openrc (export OS_… lines, a
                       password, a project). Every measure is taken on both clouds in turn, by the same clients; the
                       table has the figures of this run. Servers, 11,000 providers and 100,000 users are our own
                       cloud's only: figures with a * are earlier ones. Give it a cloud with nothing in it: where lists
                       differ in length the table says so. What is made there is removed: images and users called
                       cumulet-bench…, providers called bench-…; after a run that was ended half-way by the next one.
  --peer-pids PATH     a file of pids, or a folder of NAME.pid, of all that serves the peer's APIs on this machine, the
                       database too: with all that these started, what they use of processors and memory
                       (memory: ours with all shared pages, RSS; the peer's with each of them once, PSS)
                       Without --peer the table compares with earlier figures of OpenStack Zed from another machine.
  --runs N             how often each measure is taken; the median counts (3)
  --seconds N          how long each measure of a rate lasts (3); longer where a cloud takes long to answer
  --servers N          how many servers the part of that name makes at once (100)
  --port-offset N      of our own cloud (21000); the peer listens elsewhere
  --real               servers are QEMU guests: as root, in a network namespace made for it (ip netns exec …)

npm run bench -- image placement --peer /etc/peer/openrc --peer-pids /run/peer`;

const parts: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  servers: serverMeasures,
  image: imageMeasures,
  placement: placementMeasures,
  identity: identityMeasures,
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '3' },
      runs: { type: 'string', default: '3' },
      'port-offset': { type: 'string', default: '21000' },
      servers: { type: 'string', default: '100' },
      real: { type: 'boolean', default: false },
      peer: { type: 'string' },
      'peer-pids': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const named = positionals.length > 0 ? positionals : ['servers'];
  const unknown = named.filter((name) => !Object.hasOwn(parts, name));
  if (values.help || unknown.length > 0) {
    console.log(unknown.length > 0 ? `no such part: ${unknown.join(', ')}\n\n${usage}` : usage);
    return values.help ? 0 : 2;
  }
  const peer = values.peer === undefined ? undefined : await joinPeer(values.peer, values['peer-pids']);
  progress('cumulet: starting');
  const ours = await startOwnCloud(Number(values['port-offset']), values.real ? 'real' : 'simulated');
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      progress('ended: removing our own cloud');
      void ours.close().finally(() => process.exit(1));
    });
  try {
    const report = openTable(peer !== undefined);
    const clouds = peer ? [ours, peer] : [ours];
    const bench: Bench = {
      ours,
      clouds,
      report,
      runs: Number(values.runs),
      seconds: Number(values.seconds),
      servers: Number(values.servers),
      real: values.real,
    };
    const note = 'the whole `cumulet up --detach`';
    report('start to every API answering', 's', [{ value: ours.startSeconds, note }]);
    await wait(3000);
    await memory(bench, 'idle');
    for (const name of named) await parts[name]?.(bench);
    await memory(bench, 'after all of this');
  } finally {
    await ours.close();
  }
  return 0;
}

async function memory({ clouds, report }: Bench, when: string): Promise<void> {
  const all = await inTurn(clouds, 1, (cloud) => cloud.residentMib());
  report(
    `resident memory, ${when}`,
    'MiB',
    all.map(([value]) => (value === undefined ? undefined : { value })),
  );
}

process.exitCode = await main();
