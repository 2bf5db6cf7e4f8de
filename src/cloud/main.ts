import { Command, Option } from 'commander';
import packageFile from '../../package.json' with { type: 'json' };
import type { MappingFlags } from './commands/identity-mappings.ts';
import type { MappingEngineFlags } from './commands/mapping-engine.ts';
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

const mappings = admin
  .command('identity')
  .description(
    "identity: the administrator, keys, trusts, directories' users, federated mappings, and what is wrong",
  );
withCloud(mappings.command('mapping-purge'))
  .description("forget which public ids directories' users and groups have")
  .option('--all', 'all of them')
  .option('--domain-name <name>', 'those of this domain')
  .option('--public-id <id>', 'the one with this public id')
  .option('--local-id <id>', 'those with this id in their directory')
  .addOption(new Option('--type <type>', 'those of this type').choices(['user', 'group']))
  .action(async (flags: Flags) => {
    const { all, domainName, publicId, localId, type, ...cloud } = flags;
    const meant = { all, domainName, publicId, localId, type } as MappingFlags;
    await (await import('./commands/identity-mappings.ts')).purgeMappings(cloud, meant);
  });
withCloud(mappings.command('mapping-populate'))
  .description('give every user and group of a directory a public id')
  .requiredOption('--domain-name <name>', 'the domain whose users are in the directory')
  .action(async ({ domainName, ...cloud }: Flags) =>
    (await import('./commands/identity-mappings.ts')).populateMappings(cloud, String(domainName)),
  );

mappings
  .command('mapping-engine')
  .description('try the rules of a federated mapping on the attributes of somebody; needs no cloud')
  .requiredOption('--rules <file>', 'the rules, as JSON')
  .requiredOption('--input <file>', "the attributes: a line 'name: value' for each")
  .option('--prefix <text>', 'only attributes whose names begin so count')
  .option('--mapping-schema-version <version>', 'the version of the rules: 1.0, 2.0 or 3.0')
  .action(async (flags: MappingEngineFlags) =>
    console.log(await (await import('./commands/mapping-engine.ts')).tryMapping(flags)),
  );

withCloud(mappings.command('bootstrap'))
  .description('make the user admin an administrator again: password, roles, enabled, not locked out')
  .addOption(formatOption())
  .addHelpText(
    'after',
    `
For when nobody can log in any more. The password is that of the variable OS_BOOTSTRAP_PASSWORD, or a new one; either
way it is written into the state directory (admin-openrc, clouds.yaml) and stays after the next start. Tokens that admin
has end. Users, projects and roles that are there are otherwise left alone.

  cumulet admin identity bootstrap && . STATE_DIR/admin-openrc && openstack token issue
`,
  )
  .action(async (flags: Flags) => {
    const { format, cloud } = split(flags);
    await (await import('./commands/identity-administration.ts')).bootstrapIdentity(cloud, format);
  });
for (const [name, description, more] of [
  [
    'fernet-rotate',
    'make the staged key the one that new tokens are made with',
    'Older tokens stay good as long as their key is kept: three keys are. Rotate no more often than tokens end.',
  ],
  [
    'receipt-rotate',
    'make the staged key the one that new receipts are made with',
    'Receipts are what stands between the first and the last of several factors; they end within minutes.',
  ],
  [
    'credential-rotate',
    'encrypt the stored credentials with a new key',
    'All of them (EC2 keys, TOTP secrets and the like) are written anew. Interrupted, it can be run again.',
  ],
  [
    'domain-configuration-rotate',
    'encrypt what is sensitive in configurations of domains with a new key',
    'All of it is written anew.',
  ],
  [
    'jws-rotate',
    'sign new tokens with a new key pair',
    'Older public keys are kept, and their tokens stay good: take the files away when these have ended.',
  ],
] as const) {
  withCloud(mappings.command(name))
    .description(description)
    .addOption(formatOption())
    .addHelpText('after', `\n${more}\n`)
    .action(async (flags: Flags) => {
      const { format, cloud } = split(flags);
      await (await import('./commands/identity-administration.ts')).rotateKeys(cloud, name, format);
    });
}
mappings
  .command('create-jws-keypair')
  .description('write a key pair for signed tokens, private.pem and public.pem; needs no cloud')
  .option('--directory <dir>', 'where to', '.')
  .option('--force', 'replace keys that are there')
  .addHelpText(
    'after',
    `
A cloud whose tokens are signed (token_provider: jws in its section identity) makes a pair for itself. To give it
another: private.pem belongs into identity/jws-keys/private of the state directory, public.pem under any name into
identity/jws-keys/public, first the public one.
`,
  )
  .action(async ({ directory, force }: { directory: string; force?: boolean }) =>
    (await import('./commands/identity-administration.ts')).createJwsKeypair(directory, force === true),
  );
withCloud(mappings.command('trust-flush'))
  .description('throw away trusts that have run out or have no use left')
  .option(
    '--date <time>',
    'those that run out before then: 2030-01-31 or 2030-01-31T12:00:00Z (default: now)',
  )
  .addOption(formatOption())
  .action(async ({ date, ...flags }: Flags) => {
    const { format, cloud } = split(flags);
    const { flushTrusts } = await import('./commands/identity-administration.ts');
    await flushTrusts(cloud, date as string | undefined, format);
  });
withCloud(mappings.command('doctor'))
  .description('say what is not as it should be, and what to do about it')
  .option('--all', 'what is well, too')
  .addOption(formatOption())
  .addHelpText(
    'after',
    `
Looks at key files, settings, the administrator, the catalog, trusts, passwords and directories. Changes nothing.

Exit status: 0 all is well · 1 warnings (or the command failed) · 2 problems
`,
  )
  .action(async ({ all, ...flags }: Flags) => {
    const { format, cloud } = split(flags);
    const { examineIdentity } = await import('./commands/identity-administration.ts');
    await examineIdentity(cloud, all === true, format);
  });

const placement = admin
  .command('placement')
  .description('what is held in placement, compared with the servers, hosts and aggregates that are there');
const verboseOption = () => new Option('-v, --verbose', 'say on standard error how many were looked at');
const dryRunOption = () => new Option('--dry-run', 'find the same, and change nothing');
withCloud(placement.command('audit'))
  .description('find allocations on compute hosts that no server stands behind')
  .option('--delete', 'delete them, each after a second look')
  .option('--resource-provider <uuid>', 'look at this provider alone')
  .addOption(dryRunOption())
  .addOption(verboseOption())
  .addOption(formatOption())
  .addHelpText(
    'after',
    `
An allocation is an orphan when its server or migration is gone, or its server is settled on another host. What other
services than compute hold is left alone. A server that is just being deleted may show for a moment: look twice.

Exit status: 0 no orphans · 3 orphans, some or all left · 4 all orphans deleted · 1 the command failed

  cumulet admin placement audit --verbose
  cumulet admin placement audit --delete --dry-run
  cumulet admin placement audit --delete --resource-provider "$(openstack resource provider list --name host-1 -f value -c uuid)"
`,
  )
  .action(async (flags: Flags) => {
    const { delete: deletes, resourceProvider, dryRun, verbose, ...rest } = flags;
    const { format, cloud } = split(rest);
    const { audit } = await import('./commands/placement-admin.ts');
    await audit(
      { delete: deletes, resourceProvider, dryRun, verbose } as Parameters<typeof audit>[0],
      cloud,
      format,
    );
  });
withCloud(placement.command('heal-allocations'))
  .description('make the allocations of servers that hold nothing of the host they are on')
  .option('--server <uuid>', 'look at this server alone')
  .option('--max-count <n>', 'heal at most so many (default: 50)')
  .option('--force', 'also servers that hold something else than their flavor says')
  .addOption(dryRunOption())
  .addOption(verboseOption())
  .addOption(formatOption())
  .addHelpText(
    'after',
    `
Servers without a host (shelved, failed) and those with work under way are passed over. Where a host has not enough left
nothing is changed, and the row says so.

Exit status: 0 healed · 1 the most was reached, run it again (or the command failed) · 3 some could not be healed ·
4 there was nothing to heal

  cumulet admin placement heal-allocations --dry-run --verbose
`,
  )
  .action(async (flags: Flags) => {
    const { server, maxCount, force, dryRun, verbose, ...rest } = flags;
    const { format, cloud } = split(rest);
    const { healAllocations } = await import('./commands/placement-admin.ts');
    const options = { server, maxCount, force, dryRun, verbose } as Parameters<typeof healAllocations>[0];
    await healAllocations(options, cloud, format);
  });
withCloud(placement.command('sync-aggregates'))
  .description('put the providers of hosts into the placement aggregates of their host aggregates')
  .addOption(dryRunOption())
  .addOption(verboseOption())
  .addOption(formatOption())
  .addHelpText(
    'after',
    `
A host that has left a host aggregate leaves the placement aggregate too; aggregates of placement that are none of
compute's stay as they are.

Exit status: 0 everything is in step · 5 some hosts have no resource provider · 1 the command failed

  cumulet admin placement sync-aggregates --dry-run
`,
  )
  .action(async (flags: Flags) => {
    const { dryRun, verbose, ...rest } = flags;
    const { format, cloud } = split(rest);
    const { syncAggregates } = await import('./commands/placement-admin.ts');
    await syncAggregates({ dryRun, verbose } as Parameters<typeof syncAggregates>[0], cloud, format);
  });
withCloud(placement.command('upgrade-check'))
  .description("say whether placement's records are as the next version wants them")
  .addOption(formatOption())
  .addHelpText(
    'after',
    `
Exit status: 0 all is well · 1 warnings (or the command failed) · 2 something must be mended before an upgrade
`,
  )
  .action(async (flags: Flags) => {
    const { format, cloud } = split(flags);
    await (await import('./commands/placement-admin.ts')).upgradeCheck(cloud, format);
  });

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
