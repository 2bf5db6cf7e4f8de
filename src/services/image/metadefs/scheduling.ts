import { type Definition, oneOf, someOrAll, words } from './definition.ts';

/** Where servers may go. */
export const schedulingDefinitions: readonly Definition[] = [
  {
    namespace: 'OS::Compute::AggregateDiskFilter',
    display_name: 'Disk Allocation per Host',
    description:
      "Settings of the scheduler's AggregateDiskFilter, which passes over hosts of an aggregate that have less usable disk than is asked for. They count only where the filter is on.",
    visibility: 'public',
    protected: true,
    resource_types: [['OS::Nova::Aggregate']],
    properties: {
      disk_allocation_ratio: {
        title: 'Disk Subscription Ratio',
        description:
          'How much disk may be promised for each that a host has: more than 1.0 oversubscribes the hosts, less keeps some free.',
        type: 'number',
        readonly: false,
      },
    },
  },
  {
    namespace: 'OS::Compute::AggregateIoOpsFilter',
    display_name: 'IO Ops per Host',
    description:
      "Settings of the scheduler's AggregateIoOpsFilter, which passes over hosts of an aggregate where many servers are changing state. They count only where the filter is on.",
    visibility: 'public',
    protected: true,
    resource_types: [['OS::Nova::Aggregate']],
    properties: {
      max_io_ops_per_host: {
        title: 'Maximum IO Operations per Host',
        description:
          'As soon as this many servers of a host are being built, resized, snapshotted, migrated, rescued or unshelved, it gets no new ones.',
        type: 'integer',
        readonly: false,
        default: 8,
        minimum: 1,
      },
    },
  },
  {
    namespace: 'OS::Compute::AggregateNumInstancesFilter',
    display_name: 'Instances per Host',
    description:
      "Settings of the scheduler's AggregateNumInstancesFilter, which passes over hosts of an aggregate that run many servers. They count only where the filter is on.",
    visibility: 'public',
    resource_types: [['OS::Nova::Aggregate']],
    properties: {
      max_instances_per_host: {
        title: 'Max Instances Per Host',
        description: 'The most servers that a host of the aggregate runs.',
        type: 'integer',
        readonly: false,
        minimum: 0,
      },
    },
  },
  {
    namespace: 'OS::Compute::HostCapabilities',
    display_name: 'Compute Host Capabilities',
    description:
      "What the hardware of a host can do, for flavors that need it. The scheduler's ComputeCapabilitiesFilter, where it is on, passes over hosts that do not have what is asked for.",
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Nova::Flavor', 'capabilities:'],
      ['OS::Nova::Aggregate', 'aggregate_instance_extra_specs:'],
    ],
    properties: {
      'cpu_info:vendor': {
        title: 'Vendor',
        description: 'Who made the CPU.',
        type: 'string',
        operators: oneOf,
        enum: ['Intel', 'AMD'],
      },
      'cpu_info:model': {
        title: 'Model',
        description: 'The model of the CPU, for guests that depend on one.',
        type: 'string',
        operators: oneOf,
        enum: [
          'Conroe',
          'Core2Duo',
          'Penryn',
          'Nehalem',
          'Westmere',
          'SandyBridge',
          'IvyBridge',
          'Haswell',
          'Broadwell',
          'Delhi',
          'Seoul',
          'Abu Dhabi',
          'Interlagos',
          'Kabini',
          'Valencia',
          'Zurich',
          'Budapest',
          'Barcelona',
          'Suzuka',
          'Shanghai',
          'Istanbul',
          'Lisbon',
          'Magny-Cours',
          'Cortex-A57',
          'Cortex-A53',
          'Cortex-A12',
          'Cortex-A17',
          'Cortex-A15',
          'Coretx-A7',
          'X-Gene',
        ],
      },
      'cpu_info:arch': {
        title: 'Architecture',
        description: 'The architecture that the hypervisor must support.',
        type: 'string',
        operators: oneOf,
        enum: ['x86', 'x86_64', 'i686', 'ia64', 'ARMv8-A', 'ARMv7-A'],
      },
      'cpu_info:topology:cores': {
        title: 'cores',
        description: 'How many cores there are.',
        type: 'integer',
        readonly: false,
        default: 1,
      },
      'cpu_info:topology:threads': {
        title: 'threads',
        description: 'How many threads there are.',
        type: 'integer',
        readonly: false,
        default: 1,
      },
      'cpu_info:topology:sockets': {
        title: 'sockets',
        description: 'How many sockets there are.',
        type: 'integer',
        readonly: false,
        default: 1,
      },
      'cpu_info:features': {
        title: 'Features',
        description: 'Flags that the CPU must have.',
        type: 'array',
        operators: someOrAll,
        items: {
          type: 'string',
          enum: words(
            'fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 pn clflush dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe syscall mp nx mmxext fxsr_opt pdpe1gb rdtscp lm 3dnowext 3dnow arch_perfmon pebs bts rep_good nopl xtopology tsc_reliable nonstop_tsc extd_apicid amd_dcm aperfmperf eagerfpu nonstop_tsc_s3 pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid fma cx16 xtpr pdcm pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave avx f16c rdrand hypervisor rng rng_en ace ace_en ace2 ace2_en phe phe_en pmm pmm_en lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt lwp fma4 tce nodeid_msr tbm topoext perfctr_core perfctr_nb bpext perfctr_l2 mwaitx ida arat cpb epb pln pts dtherm hw_pstate proc_feedback hwp hwp_notify hwp_act_window hwp_epp hwp_pkg_req intel_pt tpr_shadow vnmi flexpriority ept vpid npt lbrv svm_lock nrip_save tsc_scale vmcb_clean flushbyasid decodeassists pausefilter pfthreshold vmmcall fsgsbase tsc_adjust bmi1 hle avx2 smep bmi2 erms invpcid rtm cqm mpx avx512f rdseed adx smap pcommit clflushopt clwb avx512pf avx512er avx512cd sha_ni xsaveopt xsavec xgetbv1 xsaves cqm_llc cqm_occup_llc clzero',
          ),
        },
      },
    },
  },
  {
    namespace: 'OS::Compute::Hypervisor',
    display_name: 'Hypervisor Selection',
    description:
      "Which hypervisor an image needs, for clouds that have several. The scheduler's ImagePropertiesFilter passes over hosts that do not have it.",
    visibility: 'public',
    protected: true,
    resource_types: [['OS::Glance::Image']],
    properties: {
      hypervisor_type: {
        title: 'Hypervisor Type',
        description:
          'The type of hypervisor: bare metal, Hyper-V, KVM, Linux containers, PowerVM, QEMU, User Mode Linux, VMware vSphere, Virtuozzo or Xen.',
        type: 'string',
        enum: words('baremetal hyperv kvm lxc powervm qemu uml vmware vz xen'),
      },
      vm_mode: {
        title: 'VM Mode',
        description:
          'The interface between guest and host: hvm is full virtualization, as with QEMU and KVM; xen and uml are paravirtualized; exe is a program in a container.',
        type: 'string',
        enum: ['hvm', 'xen', 'uml', 'exe'],
      },
    },
  },
];
