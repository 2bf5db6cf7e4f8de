import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { CloudApi } from './api.ts';
import { readOpenrc, type StartedCloud, startCloud } from './cloud.ts';
import { assertInstalled } from './debian.ts';
import { discover } from './discovery.ts';
import { addPassing, compare, readPassing } from './passing.ts';
import { report } from './report.ts';
import { prepareResources } from './resources.ts';
import { toResults } from './results.ts';
import { select } from './selection.ts';
import { createWorkspace, listTests, runTests } from './tempest.ts';
import { tempestConf, withSettings } from './tempest-conf.ts';

const usage = `npm run conformance -- SELECTION… [options]
  SELECTION            interop, interop:SERVICE, a file of test names, or a regular expression; or several of these
  --cloud OPENRC       test this running cloud; otherwise a fresh one is started and taken down again
  --real               guests boot: log in to them (with a fresh cloud: not a simulated one)
  --image FILE         what guests boot (with --real); --ssh-user NAME logs in to it (cumulet)
  --update             add what passes for the first time to the lists
  --lists FOLDER       the lists of what must pass (conformance/passing); conformance/peer is what upstream passes
  --concurrency N      processes (2)
  --set SECTION.OPTION=VALUE   change one option of tempest.conf; may be given several times
  --list               print the selected tests and end
  --keep               leave the workspace (tempest.conf, logs) behind`;

const folder = import.meta.dirname;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      cloud: { type: 'string' },
      real: { type: 'boolean', default: false },
      image: { type: 'string' },
      'ssh-user': { type: 'string', default: 'cumulet' },
      lists: { type: 'string' },
      update: { type: 'boolean', default: false },
      concurrency: { type: 'string', default: '2' },
      set: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || positionals.length === 0) {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  const { real } = values;
  if (real && values.image === undefined && !values.list)
    throw new Error('--real needs --image: what should guests boot?');
  await assertInstalled();

  const scratch = mkdtempSync(join(tmpdir(), 'conformance-'));
  let cloud: StartedCloud | undefined;
  try {
    if (values.list) {
      const { tests, missing } = select(
        positionals,
        await listTests(await createWorkspace(scratch, {})),
        folder,
      );
      console.log([...tests, ...missing.map((name) => `# not installed: ${name}`)].join('\n'));
      return 0;
    }
    if (values.cloud === undefined) {
      console.log('Starting a fresh cloud');
      cloud = await startCloud(dirname(folder), scratch, { real });
    }
    const access = cloud?.access ?? readOpenrc(values.cloud ?? '');
    const api = await CloudApi.open(access);
    console.log(`Preparing ${access.authUrl}: ${[...api.endpoints.keys()].join(', ')}`);
    const resources = await prepareResources(api, values.image);
    const discovered = await discover(api);
    const conf = tempestConf({
      access,
      domainId: api.domainId,
      discovered,
      resources,
      real,
      sshUser: values['ssh-user'],
      workspace: scratch,
    });
    const workspace = await createWorkspace(scratch, withSettings(conf, values.set));
    const { tests, missing } = select(positionals, await listTests(workspace), folder);
    for (const name of missing) console.log(`not in the installed suites: ${name}`);
    if (tests.length === 0) throw new Error(`"${positionals.join(' ')}" selects no test`);

    console.log(`Running ${tests.length} tests`);
    let ended = 0;
    const outcomes = await runTests(workspace, tests, Number(values.concurrency), ({ id, status }) => {
      console.log(`${String(++ended).padStart(4)} ${status.padEnd(7)} ${id}`);
    });
    const results = toResults(tests, outcomes);
    // Guests that boot pass other tests than guests that do not.
    const lists = values.lists ?? join(folder, 'passing', real ? 'real' : '');
    const comparison = compare(results, readPassing(lists));
    if (values.update) addPassing(lists, comparison.won);
    console.log(`\n${report(results, comparison, { updated: values.update })}`);
    return comparison.lost.length > 0 ? 1 : 0;
  } finally {
    await cloud?.stop();
    if (values.keep) console.error(`The workspace is ${scratch}`);
    else rmSync(scratch, { recursive: true, force: true });
  }
}

// An interrupt reaches the test runner as well; its end leads here, past everything that has to be taken down.
process.on('SIGINT', () => console.error('interrupted'));
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`error: ${(error as Error).message}`);
  process.exitCode = 1;
}
