import type { Access } from './cloud.ts';
import { type Discovered, volumeTypeOf } from './discovery.ts';
import type { Resources } from './resources.ts';

/** Option by section and name. */
export type TempestConf = Record<string, Record<string, string | number | boolean>>;

export interface TempestConfInput {
  access: Access;
  domainId: string;
  discovered: Discovered;
  resources: Resources;
  /** Guests boot, packets flow: log in to them. */
  real: boolean;
  /** Who may log in to the image's guests by key. */
  sshUser: string;
  workspace: string;
}

/** What Tempest 33 has to know about the cloud; what is not said here is at Tempest's default. */
export function tempestConf(input: TempestConfInput): TempestConf {
  const { access, discovered, resources, real, workspace } = input;
  const { services, identity } = discovered;
  const volumes = volumeTypeOf(services);
  const severalHosts = discovered.computeHosts > 1;
  const extensions = new Set(discovered.networkExtensions);
  return {
    DEFAULT: { log_dir: workspace, log_file: 'tempest.log', debug: true },
    oslo_concurrency: { lock_path: `${workspace}/lock` },
    auth: {
      use_dynamic_credentials: true,
      default_credentials_domain_name: access.projectDomain,
      admin_username: access.username,
      admin_password: access.password,
      admin_project_name: access.project,
      admin_domain_name: access.projectDomain,
      admin_user_domain_name: access.userDomain,
      admin_project_domain_name: access.projectDomain,
    },
    identity: {
      uri_v3: `${access.authUrl}/v3`,
      auth_version: 'v3',
      region: access.region,
      v3_endpoint_type: 'publicURL',
      default_domain_id: input.domainId,
      ...(identity.compliance
        ? {
            user_lockout_failure_attempts: identity.compliance.failures,
            user_lockout_duration: identity.compliance.lockout,
            user_unique_last_password_count: identity.compliance.uniquePasswords,
          }
        : {}),
    },
    'identity-feature-enabled': {
      api_v2: false,
      api_v2_admin: false,
      trust: identity.trusts,
      project_tags: identity.projectTags,
      application_credentials: identity.applicationCredentials,
      access_rules: identity.accessRules,
      domain_specific_drivers: identity.domainDrivers,
      security_compliance: identity.compliance !== undefined,
      // These three are keystone-tempest-plugin's; Tempest alone does not mind them.
      enforce_scope: identity.enforcesScope,
      federation: identity.identityProvider,
      // An identity provider outside of the cloud is told of by `--set fed_scenario.…`.
      external_idp: false,
    },
    compute: {
      image_ref: resources.image,
      image_ref_alt: resources.imageAlt,
      flavor_ref: resources.flavor,
      flavor_ref_alt: resources.flavorAlt,
      min_compute_nodes: Math.max(1, discovered.computeHosts),
      build_timeout: real ? 300 : 60,
      ...range(discovered.compute),
    },
    placement: range(discovered.placement),
    'compute-feature-enabled': {
      // Said to be there, so that what is missing shows as a failure and not as a skipped test.
      resize: true,
      // What this guards is server metadata, which has been anybody's to change since long before Xen left.
      xenapi_apis: true,
      pause: true,
      suspend: true,
      shelve: true,
      rescue: true,
      snapshot: true,
      interface_attach: true,
      console_output: true,
      config_drive: true,
      enable_instance_password: true,
      change_password: false,
      metadata_service: real,
      vnc_console: real,
      personality: false,
      cold_migration: severalHosts,
      live_migration: severalHosts,
      attach_encrypted_volume: false,
    },
    image: {
      ...(discovered.diskFormats.length > 0 ? { disk_formats: discovered.diskFormats.join(',') } : {}),
      ...(discovered.containerFormats.length > 0
        ? { container_formats: discovered.containerFormats.join(',') }
        : {}),
      // Any document will do for an import from the web, and this one needs no network.
      http_image: `${access.authUrl}/v3`,
      image_caching_enabled: discovered.imageCache,
    },
    'image-feature-enabled': {
      import_image: discovered.imageImport,
      manage_locations: discovered.imageLocations,
      os_glance_reserved: discovered.imageReserved,
    },
    network: { public_network_id: resources.publicNetwork, project_networks_reachable: false },
    'network-feature-enabled': {
      api_extensions: discovered.networkExtensions.join(','),
      ipv6: true,
      ipv6_subnet_attributes: true,
      port_security: extensions.has('port-security'),
      floating_ips: extensions.has('router'),
    },
    validation: {
      run_validation: real,
      connect_method: 'floating',
      network_for_ssh: 'public',
      auth_method: 'keypair',
      image_ssh_user: input.sshUser,
      image_alt_ssh_user: input.sshUser,
    },
    ...(volumes ? { volume: { catalog_type: volumes, ...range(discovered.volume) } } : {}),
    service_available: {
      nova: services.has('compute'),
      neutron: services.has('network'),
      glance: services.has('image'),
      cinder: volumes !== undefined,
      swift: services.has('object-store'),
      horizon: false,
    },
    enforce_scope: {
      keystone: identity.enforcesScope,
      nova: discovered.enforcesScope.has('compute'),
      glance: discovered.enforcesScope.has('image'),
      // Nothing that these two answer tells: they are taken at upstream's present defaults.
      neutron: services.has('network'),
      cinder: volumes !== undefined,
    },
  };
}

function range(versions: { min: string; max: string } | undefined): Record<string, string> {
  return versions ? { min_microversion: versions.min, max_microversion: versions.max } : {};
}

/**
 * Changes single options: `validation.ssh_timeout=60`.
 *
 * @throws Error for what is not `section.option=value`
 */
export function withSettings(conf: TempestConf, settings: readonly string[]): TempestConf {
  const changed = structuredClone(conf);
  for (const setting of settings) {
    const [, section, option, value] = /^([\w-]+)\.(\w+)=(.*)$/.exec(setting) ?? [];
    if (section === undefined || option === undefined || value === undefined) {
      throw new Error(`"${setting}" is not section.option=value`);
    }
    (changed[section] ??= {})[option] = value;
  }
  return changed;
}

/** The file's text. `$` begins a reference in oslo.config, so values have it doubled. */
export function formatConf(conf: TempestConf): string {
  return Object.entries(conf)
    .map(([section, options]) => {
      const lines = Object.entries(options).map(
        ([name, value]) => `${name} = ${String(value).replaceAll('$', '$$$$')}\n`,
      );
      return `[${section}]\n${lines.join('')}`;
    })
    .join('\n');
}
