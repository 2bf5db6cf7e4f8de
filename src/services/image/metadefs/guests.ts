import { type Definition, oneOf } from './definition.ts';

/** What servers are made of, whatever the driver. */
export const guestDefinitions: readonly Definition[] = [
  {
    namespace: 'OS::Compute::CPUMode',
    display_name: 'CPU Mode',
    description: 'Which model of CPU a guest is shown.',
    visibility: 'public',
    resource_types: [
      ['OS::Glance::Image', 'hw_'],
      ['OS::Nova::Flavor', 'hw:'],
    ],
    properties: {
      cpu_mode: {
        title: 'CPU Mode',
        description:
          "Whether the model is the hypervisor's own choice, one close to the host's, the host's exactly, or one that is named.",
        type: 'string',
        enum: ['none', 'host-model', 'host-passthrough', 'custom'],
      },
    },
  },
  {
    namespace: 'OS::Compute::CPUPinning',
    display_name: 'CPU Pinning',
    description:
      'Whether the virtual CPUs of a guest have CPUs of the host to themselves, and how they deal with sibling threads.',
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Glance::Image', 'hw_'],
      ['OS::Cinder::Volume', 'hw_', 'image'],
      ['OS::Nova::Flavor', 'hw:'],
    ],
    properties: {
      cpu_policy: {
        title: 'CPU Pinning policy',
        description: 'Virtual CPUs float over shared CPUs, or each is pinned to a dedicated one.',
        type: 'string',
        enum: ['shared', 'dedicated'],
      },
      cpu_thread_policy: {
        title: 'CPU Thread Pinning Policy.',
        description:
          'What is done about hosts whose cores have several threads: their siblings are kept free, used first, or insisted upon.',
        type: 'string',
        enum: ['isolate', 'prefer', 'require'],
      },
    },
  },
  {
    namespace: 'OS::Compute::GuestMemoryBacking',
    display_name: 'Guest Memory Backing',
    description: "What a guest's memory is made of on the host: large pages save lookups in the TLB.",
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Nova::Flavor', 'hw:'],
      ['OS::Glance::Image', 'hw_'],
      ['OS::Cinder::Volume', 'hw_', 'image'],
    ],
    properties: {
      mem_page_size: {
        title: 'Size of memory page',
        description:
          "The size of pages, as a number with a unit (2MB, 1GB) or as 'any', 'small' or 'large'. An image may say it only where its flavor says 'any' or 'large'.",
        type: 'string',
      },
    },
  },
  {
    namespace: 'OS::Compute::GuestShutdownBehavior',
    display_name: 'Shutdown Behavior',
    description: 'How a guest is brought down before it is stopped, rescued, resized or shelved.',
    visibility: 'public',
    protected: true,
    resource_types: [['OS::Glance::Image']],
    properties: {
      os_shutdown_timeout: {
        title: 'Shutdown timeout',
        description:
          'Seconds that the operating system has to shut down before the power is cut; 60 where nothing is said. With 0 it is cut at once.',
        type: 'integer',
        minimum: 0,
      },
    },
  },
  {
    namespace: 'OS::Compute::InstanceData',
    display_name: 'Instance Config Data',
    description:
      'How a server comes to the data by which it configures itself, and what a snapshot asks of it.',
    visibility: 'public',
    protected: true,
    resource_types: [['OS::Glance::Image'], ['OS::Cinder::Volume', '', 'image']],
    properties: {
      img_config_drive: {
        title: 'Config Drive',
        description:
          'Whether a server from this image always has a config drive: a small disk with its metadata, such as the settings of its network, that it can read at boot.',
        type: 'string',
        enum: ['optional', 'mandatory'],
      },
      os_require_quiesce: {
        title: 'Require Quiescent File system',
        description:
          'Whether a snapshot is given up when the file systems cannot be brought to rest (yes), or made all the same (no).',
        type: 'string',
        enum: ['yes', 'no'],
      },
    },
  },
  {
    namespace: 'OS::Compute::RandomNumberGenerator',
    display_name: 'Random Number Generator',
    description: 'Whether a guest may use the random number generator that its image asks for, and how much.',
    visibility: 'public',
    protected: true,
    resource_types: [['OS::Nova::Flavor']],
    properties: {
      'hw_rng:allowed': {
        title: 'Random Number Generator Allowed',
        description: 'Whether the guest gets the device.',
        type: 'boolean',
      },
      'hw_rng:rate_bytes': {
        title: 'Random number generator limits.',
        description: 'Bytes of entropy that the guest may read in a period.',
        type: 'integer',
      },
      'hw_rng:rate_period': {
        title: 'Random number generator read period.',
        description: 'How long a period is, in milliseconds.',
        type: 'integer',
      },
    },
  },
  {
    namespace: 'OS::Compute::VirtCPUTopology',
    display_name: 'Virtual CPU Topology',
    description:
      "How a guest's virtual CPUs are spread over sockets, cores and threads: operating systems are licensed by one or the other.",
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Glance::Image', 'hw_'],
      ['OS::Cinder::Volume', 'hw_', 'image'],
      ['OS::Nova::Flavor', 'hw:'],
    ],
    properties: {
      cpu_sockets: {
        title: 'vCPU Sockets',
        description: 'Sockets that the guest should see.',
        type: 'integer',
      },
      cpu_cores: {
        title: 'vCPU Cores',
        description: 'Cores that the guest should see in each socket.',
        type: 'integer',
      },
      cpu_threads: {
        title: 'vCPU Threads',
        description: 'Threads that the guest should see in each core.',
        type: 'integer',
      },
      cpu_max_sockets: {
        title: 'Max vCPU Sockets',
        description: 'The most sockets that the guest may see.',
        type: 'integer',
      },
      cpu_max_cores: {
        title: 'Max vCPU Cores',
        description: 'The most cores that the guest may see in a socket.',
        type: 'integer',
      },
      cpu_max_threads: {
        title: 'Max vCPU Threads',
        description: 'The most threads that the guest may see in a core.',
        type: 'integer',
      },
    },
  },
  {
    namespace: 'OS::Compute::TPM',
    display_name: 'TPM Options',
    description: 'The trusted platform module that a guest has.',
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Nova::Flavor', 'hw:'],
      ['OS::Glance::Image', 'hw_'],
    ],
    properties: {
      tpm_model: {
        title: 'TPM model',
        description: 'The interface of the module; tpm-crb exists for version 2.0 only.',
        type: 'string',
        operators: oneOf,
        enum: ['tpm-tis', 'tpm-crb'],
        default: 'tpm-tis',
      },
      tpm_version: {
        title: 'TPM version',
        description:
          'The version of the module. Who wants a module must say it: tpm-tis comes in both, tpm-crb in 2.0 only.',
        type: 'string',
        operators: oneOf,
        enum: ['1.2', '2.0'],
      },
    },
  },
  {
    namespace: 'OS::Compute::VTPM',
    display_name: 'Emulated Virtual TPM',
    description: 'Hosts that can emulate a trusted platform module.',
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Nova::Flavor', 'traits:'],
      ['OS::Glance::Image', 'traits:'],
    ],
    properties: {
      COMPUTE_SECURITY_TPM_1_2: {
        title: 'Virtual TPM Version 1.2 Support',
        description: 'The host must emulate version 1.2.',
        type: 'string',
        enum: ['required'],
        default: 'required',
      },
      COMPUTE_SECURITY_TPM_2_0: {
        title: 'Virtual TPM Version 2.0 Support',
        description: 'The host must emulate version 2.0.',
        type: 'string',
        enum: ['required'],
        default: 'required',
      },
    },
  },
  {
    namespace: 'OS::Compute::Watchdog',
    display_name: 'Watchdog Behavior',
    description: 'What is done about guests that hang.',
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Glance::Image', 'hw_'],
      ['OS::Cinder::Volume', 'hw_', 'image'],
      ['OS::Nova::Flavor', 'hw:'],
    ],
    properties: {
      watchdog_action: {
        title: 'Watchdog Action',
        description:
          "What the watchdog device (an emulated Intel 6300ESB) does when the guest no longer feeds it. The guest has none where nothing is said. The image's word counts for more than the flavor's.",
        type: 'string',
        enum: ['disabled', 'reset', 'poweroff', 'pause', 'none'],
      },
    },
  },
  {
    namespace: 'OS::Compute::Quota',
    display_name: 'Flavor Quota',
    description: "Limits that a flavor puts on a server's CPU, disks and network interfaces.",
    visibility: 'public',
    protected: true,
    resource_types: [['OS::Nova::Flavor']],
    objects: {
      'CPU Limits': {
        description: 'How much CPU time a server gets.',
        properties: {
          'quota:cpu_shares': {
            title: 'Quota: CPU Shares',
            description:
              "The share of CPU time against other servers: 2048 gets twice as much as 1024. A number without a unit; the host's default where it is absent.",
            type: 'integer',
          },
          'quota:cpu_period': {
            title: 'Quota: CPU Period',
            description:
              'Microseconds after which the quota of CPU time begins anew, from 1,000 to 1,000,000; 0 is the same as nothing. QEMU and LXC.',
            type: 'integer',
            minimum: 1000,
            maximum: 1000000,
          },
          'quota:cpu_quota': {
            title: 'Quota: CPU Quota',
            description:
              'Microseconds of CPU time that each virtual CPU may use in a period, at least 1,000. Less than 0 is without limit, 0 the same as nothing.',
            type: 'integer',
          },
        },
      },
      'Disk QoS': {
        description: "How fast a server's disks may be read and written.",
        properties: {
          'quota:disk_read_bytes_sec': {
            title: 'Quota: Disk read bytes / sec',
            description: 'Bytes that may be read from a disk each second.',
            type: 'integer',
          },
          'quota:disk_read_iops_sec': {
            title: 'Quota: Disk read IOPS / sec',
            description: 'Read requests to a disk each second.',
            type: 'integer',
          },
          'quota:disk_write_bytes_sec': {
            title: 'Quota: Disk Write Bytes / sec',
            description: 'Bytes that may be written to a disk each second.',
            type: 'integer',
          },
          'quota:disk_write_iops_sec': {
            title: 'Quota: Disk Write IOPS / sec',
            description: 'Write requests to a disk each second.',
            type: 'integer',
          },
          'quota:disk_total_bytes_sec': {
            title: 'Quota: Disk Total Bytes / sec',
            description: 'Bytes read and written together each second.',
            type: 'integer',
          },
          'quota:disk_total_iops_sec': {
            title: 'Quota: Disk Total IOPS / sec',
            description: 'Read and write requests together each second.',
            type: 'integer',
          },
        },
      },
      'Virtual Interface QoS': {
        description:
          "How much traffic a server's network interfaces carry. Inbound and outbound are shaped each for itself, and a direction of which nothing is said is not shaped.",
        properties: {
          'quota:vif_inbound_average': {
            title: 'Quota: VIF Inbound Average',
            description: 'Kilobytes a second that come in, on average.',
            type: 'integer',
          },
          'quota:vif_inbound_burst': {
            title: 'Quota: VIF Inbound Burst',
            description: 'Kilobytes that may come in at full speed, in one go.',
            type: 'integer',
          },
          'quota:vif_inbound_peak': {
            title: 'Quota: VIF Inbound Peak',
            description: 'Kilobytes a second that ever come in.',
            type: 'integer',
          },
          'quota:vif_outbound_average': {
            title: 'Quota: VIF Outbound Average',
            description: 'Kilobytes a second that go out, on average.',
            type: 'integer',
          },
          'quota:vif_outbound_burst': {
            title: 'Quota: VIF Outbound Burst',
            description: 'Kilobytes that may go out at full speed, in one go.',
            type: 'integer',
          },
          'quota:vif_outbound_peak': {
            title: 'Quota: VIF Outbound Peak',
            description: 'Kilobytes a second that ever go out.',
            type: 'integer',
          },
        },
      },
    },
  },
];
