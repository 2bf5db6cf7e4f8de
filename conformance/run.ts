import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { CloudApi } from './api.ts';
import { type Access, readOpenrc, type StartedCloud, startCloud } from './cloud.ts';
import { assertInstalled } from './debian.ts';
import { compareWith, recordAnswers } from './differential/run.ts';
import { discover } from './discovery.ts';
import { runGabbi } from './gabbi.ts';
import { addPassing, compare, readPassing } from './passing.ts';
import { report } from './report.ts';
import { prepareResources } from './resources.ts';
import { type Result, toResults } from './results.ts';
import { select } from './selection.ts';
import { createWorkspace, listTests, runTests } from './tempest.ts';
import { tempestConf, withSettings } from './tempest-conf.ts';

const usage = `npm run conformance -- SELECTION… [options]
  SELECTION            interop, interop:SERVICE, a file of test names, or a regular expression; or several of these
  placement-gabbi      instead of Tempest, placement's functional suite; placement-gabbi:EXPRESSION for some files
  --suite FOLDER       upstream's placement/tests/functional (or PLACEMENT_SUITE in the environment)
  --cloud OPENRC       test this running cloud; otherwise a fresh one is started and taken down again
  --real               guests boot: log in to them (with a fresh cloud: not a simulated one)
  --image FILE         what guests boot (with --real); --ssh-user NAME logs in to it (cumulet)
  --update             add what passes for the first time to the lists
  --lists FOLDER       the lists of what must pass (conformance/passing); conformance/peer is what upstream passes
  --concurrency N      processes (2)
  --set SECTION.OPTION=VALUE   change one option of tempest.conf; may be given several times
  --diff SERVICE       ask this cloud and another the same (identity, image, placement) and compare the answers:
                       --peer OPENRC asks the other now, --recorded FILE has what it once said, --record FILE only
                       writes down what this one says
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
      diff: { type: 'string' },
      peer: { type: 'string' },
      record: { type: 'string' },
      recorded: { type: 'string' },
      lists: { type: 'string' },
      update: { type: 'boolean', default: false },
      concurrency: { type: 'string', default: '2' },
      set: { type: 'string', multiple: true, default: [] },
      suite: { type: 'string', default: process.env['PLACEMENT_SUITE'] ?? '' },
      list: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || (positionals.length === 0) !== (values.diff !== undefined)) {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  const [suite, files = ''] = (positionals[0] ?? '').split(/:(.*)/s);
  if (suite === 'placement-gabbi') {
    if (values.suite === '') throw new Error("--suite: where is upstream's placement/tests/functional?");
    const chosen = new RegExp(files);
    const results = await runGabbi(values.suite, (file) => chosen.test(file), console.log);
    const list = values.lists ?? join(folder, 'passing');
    return conclude(results, list, values.update);
  }
  const { real } = values;
  if (real && values.image === undefined && !values.list)
    throw new Error('--real needs --image: what should guests boot?');
  if (values.diff === undefined) await assertInstalled();

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
    if (values.diff !== undefined) return await differential(values.diff, access, values);
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
    return conclude(results, lists, values.update);
  } finally {
    await cloud?.stop();
    if (values.keep) console.error(`The workspace is ${scratch}`);
    else rmSync(scratch, { recursive: true, force: true });
  }
}

interface DiffOptions {
  peer?: string;
  record?: string;
  recorded?: string;
}

async function differential(
  service: string,
  access: Access,
  { peer, record, recorded }: DiffOptions,
): Promise<number> {
  if (record !== undefined) {
    await recordAnswers(service, access, record);
    return 0;
  }
  if ((peer === undefined) === (recorded === undefined))
    throw new Error('--diff needs one of --peer, --recorded and --record');
  const other = recorded === undefined ? readOpenrc(peer ?? '') : { recorded };
  return (await compareWith(service, access, other)) ? 1 : 0;
}

/** Says what passed and what is lost; @returns the exit status */
function conclude(results: readonly Result[], lists: string, update: boolean): number {
  const comparison = compare(results, readPassing(lists));
  if (update) addPassing(lists, comparison.won);
  console.log(`\n${report(results, comparison, { updated: update })}`);
  return comparison.lost.length > 0 ? 1 : 0;
}

// An interrupt reaches the test runner as well; its end leads here, past everything that has to be taken down.
process.on('SIGINT', () => console.error('interrupted'));
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`error: ${(error as Error).message}`);
  process.exitCode = 1;
}
