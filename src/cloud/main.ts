import { Command, Option } from 'commander';
import packageFile from '../../package.json' with { type: 'json' };
import type { Format } from './output.ts';

/** The flags that say which cloud is meant and how it runs; every command has them. */
const cloudOptions = (): Option[] => [
  new Option(
    '--state-dir <dir>',
    'where the cloud keeps everything (default: /var/lib/cumulet, else below the home)',
  ),
  new Option('--host <address>', 'the address that the APIs listen on and are known by (default: 127.0.0.1)'),
  new Option(
    '--port-offset <n>',
    'added to every standard port, so that clouds live side by side (default: 0)',
  ),
  new Option('--hypervisor <kind>', 'what servers run on').choices(['qemu', 'simulated']),
  new Option('--networking <kind>', 'what networks are made of').choices(['linux-bridge', 'simulated']),
  new Option('--simulated', 'both simulated: needs no root and no packages, runs anywhere'),
  new Option('--log-level <level>', 'the least important lines that are logged (default: info)'),
];

const formatOption = () =>
  new Option('-f, --format <format>', 'how to print').choices(['table', 'json']).default('table');

type Flags = Record<string, unknown> & { format?: Format };

/** Takes what is not a setting of the cloud out of a command's flags. */
function split({ format = 'table', ...cloud }: Flags): { format: Format; cloud: Record<string, unknown> } {
  return { format, cloud };
}

const withCloud = (command: Command): Command => {
  for (const option of cloudOptions()) command.addOption(option);
  return command;
};

const program = new Command('cumulet')
  .description('OpenStack, whole, as one program.')
  .version(packageFile.version)
  .showHelpAfterError()
  .addHelpText(
    'after',
    `
Begin with:
  cumulet up --detach     start a cloud
  cumulet demo            boot its first server
  cumulet status          what runs where
`,
  );

withCloud(program.command('up'))
  .description('start the whole cloud in one process')
  .option('--detach', 'return when every API answers; the cloud goes on')
  .action(async (flags: Flags) => (await import('./commands/up.ts')).up(flags));

withCloud(program.command('down'))
  .description("stop the cloud's process; servers and networks live on")
  .action(async (flags: Flags) => (await import('./commands/down.ts')).down(flags));

withCloud(program.command('status'))
  .description('print the services, their URLs and whether they answer')
  .addOption(formatOption())
  .action(async (flags: Flags) => {
    const { format, cloud } = split(flags);
    await (await import('./commands/status.ts')).status(cloud, format);
  });

withCloud(program.command('destroy'))
  .description('remove every server, namespace, device and file of this cloud, and nothing else')
  .option('--yes', 'yes, remove it all')
  .action(async (flags: Flags) => (await import('./commands/destroy.ts')).destroy(flags));

program
  .command('doctor')
  .description('print what this host lacks, what follows from it, and how to mend it')
  .addOption(formatOption())
  .action(async ({ format = 'table' }: Flags) => (await import('./commands/doctor.ts')).doctor(format));

withCloud(program.command('demo'))
  .description('boot the first server of a running cloud, and say how to go on')
  .addOption(formatOption())
  .action(async (flags: Flags) => {
    const { format, cloud } = split(flags);
    await (await import('./commands/demo.ts')).demo(cloud, format);
  });

const guest = program.command('guest').description('images of guests');
guest
  .command('build')
  .description("build the tiny guest image (SSH user 'cumulet', by key only) from Debian packages")
  .requiredOption('--output <file>', 'the qcow2 file to write')
  .option('--work-dir <dir>', 'where packages are kept for the next build', '/var/tmp/cumulet-guest')
  .action(async (flags: { output: string; workDir: string }) =>
    (await import('./commands/guest.ts')).buildGuest(flags),
  );

const flow = program.command('flow').description('long work: what it is doing, and what became of it');
withCloud(flow.command('list'))
  .description('print the flows that are under way')
  .option('--all', 'those that have ended, too')
  .addOption(formatOption())
  .action(async (flags: Flags) => {
    const { format, cloud } = split(flags);
    await (await import('./commands/flow.ts')).listFlows(cloud, format);
  });
withCloud(flow.command('show'))
  .description('print one flow, step by step')
  .argument('<id>')
  .addOption(formatOption())
  .action(async (id: string, flags: Flags) => {
    const { format, cloud } = split(flags);
    await (await import('./commands/flow.ts')).showFlow(cloud, id, format);
  });

const admin = program.command('admin').description('what the administrator of a running cloud does by hand');
withCloud(admin.command('fernet-rotate'))
  .description('make the staged key the one that new tokens are made with; older tokens stay good')
  .action(async (flags: Flags) => (await import('./commands/admin.ts')).rotateFernetKeys(flags));

const config = program.command('config').description('settings');
withCloud(config.command('show'))
  .description('print every setting, its value and where it comes from')
  .addOption(formatOption())
  .action(async (flags: Flags) => {
    const { format, cloud } = split(flags);
    await (await import('./commands/config.ts')).showConfig(cloud, format);
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error(`cumulet: ${error instanceof Error ? error.message : String(error)}`);
  if (process.env['CUMULET_DEBUG']) console.error(error);
  process.exitCode = 1;
}
