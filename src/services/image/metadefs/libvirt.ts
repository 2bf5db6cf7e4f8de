import { type Definition, words } from './definition.ts';

/** What the libvirt driver reads. */
export const libvirtDefinitions: readonly Definition[] = [
  {
    namespace: 'OS::Compute::LibvirtImage',
    display_name: 'libvirt Driver Options for Images',
    description: "What images say to the libvirt driver about the guest's devices and firmware.",
    visibility: 'public',
    protected: true,
    resource_types: [['OS::Glance::Image']],
    properties: {
      hw_cdrom_bus: {
        title: 'CD-ROM Bus',
        description: 'The bus that CD-ROM drives are attached to.',
        type: 'string',
        enum: words('scsi virtio uml xen ide usb fdc sata lxc'),
      },
      hw_disk_bus: {
        title: 'Disk Bus',
        description: 'The bus that disks are attached to.',
        type: 'string',
        enum: words('scsi virtio uml xen ide usb fdc sata lxc'),
      },
      hw_firmware_type: {
        title: 'Firmware Type',
        description: 'Whether the guest boots by BIOS or by UEFI.',
        type: 'string',
        enum: ['bios', 'uefi'],
      },
      hw_firmware_stateless: {
        title: 'Stateless Firmware',
        description:
          'Whether the firmware is read-only, so that what a guest sets in it is gone at the next reboot. UEFI only.',
        type: 'boolean',
      },
      hw_rng_model: {
        title: 'Random Number Generator Device model',
        description:
          "The model of the random number generator; virtio is the only one. Its numbers come from the host's /dev/urandom unless the operator names another device.",
        type: 'string',
        default: 'virtio',
      },
      hw_machine_type: {
        title: 'Machine Type',
        description:
          'The machine that is emulated; `virsh capabilities` lists those there are. ARM guests have vexpress-a15 (ARMv7) or virt (AArch64) where nothing is said.',
        type: 'string',
      },
      hw_scsi_model: {
        title: 'SCSI Model',
        description:
          'The model of SCSI controller. With virtio-scsi disks are SCSI devices of a paravirtual controller, in place of virtio-blk devices.',
        type: 'string',
        default: 'virtio-scsi',
      },
      hw_video_model: {
        title: 'Video Model',
        description:
          'The graphics card that the guest has; none takes it away, as is best where a GPU is passed through.',
        type: 'string',
        enum: words('vga cirrus vmvga xen qxl virtio gop none bochs'),
      },
      hw_video_ram: {
        title: 'Max Video Ram',
        description:
          'MB of video memory, at most what hw_video:ram_max_mb of the flavor allows; without that it does not count.',
        type: 'integer',
        minimum: 0,
      },
      os_command_line: {
        title: 'Kernel Command Line',
        description:
          'The command line of the kernel, for images that boot by a separate kernel and ramdisk; in a Linux container, the arguments of its init.',
        type: 'string',
      },
      os_type: {
        title: 'OS Type',
        description:
          'The operating system in the image, by which the driver decides on small things, such as a FAT32 swap disk and a short host name for Windows.',
        type: 'string',
        enum: ['linux', 'windows'],
      },
      hw_vif_model: {
        title: 'Virtual Network Interface',
        description:
          "The network card that the guest has. KVM and QEMU have all but netfront, which is Xen's; Xen has also e1000, ne2k_pci, pcnet and rtl8139.",
        type: 'string',
        enum: words('e1000 e1000e ne2k_pci netfront pcnet rtl8139 spapr-vlan virtio vmxnet3 igb'),
      },
      hw_vif_multiqueue_enabled: {
        title: 'Multiqueue Enabled',
        description: 'Whether a virtio network card has as many queues as the guest has virtual CPUs.',
        type: 'string',
        enum: ['true', 'false'],
      },
      hw_pmu: {
        title: 'Virtual Performance Monitoring Unit',
        description:
          'Whether the guest has a performance monitoring unit; guests that must react in time are better off without.',
        type: 'string',
        enum: ['true', 'false'],
      },
      hw_qemu_guest_agent: {
        title: 'QEMU Guest Agent',
        description:
          "Whether the guest runs the QEMU guest agent, by which the host can have commands carried out inside, such as freezing file systems. What an agent answers is the guest's word and may be false.",
        type: 'string',
        enum: ['yes', 'no'],
      },
      hw_pointer_model: {
        title: 'Pointer Model',
        description:
          'The pointing device: a tablet gives consoles absolute positions. KVM and QEMU with a VNC or SPICE console only.',
        type: 'string',
        enum: ['usbtablet'],
      },
      img_hide_hypervisor_id: {
        title: 'Hide hypervisor id',
        description: 'Whether the guest is kept from seeing which hypervisor it runs on.',
        type: 'string',
        enum: ['yes', 'no'],
      },
    },
  },
  {
    namespace: 'OS::Compute::Libvirt',
    display_name: 'libvirt Driver Options',
    description: 'What images and flavors say to the libvirt driver alike.',
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Glance::Image', 'hw_'],
      ['OS::Nova::Flavor', 'hw:'],
    ],
    properties: {
      serial_port_count: {
        title: 'Serial Port Count',
        description:
          'How many serial ports the guest has. Where a flavor says a number, an image may ask for fewer; else for any.',
        type: 'integer',
        minimum: 0,
      },
      boot_menu: {
        title: 'Boot Menu',
        description:
          "Whether the BIOS shows its boot menu. The flavor's word counts for more than the image's.",
        type: 'string',
        enum: ['true', 'false'],
      },
      mem_encryption: {
        title: 'Hardware Memory Encryption',
        description: "Whether the guest's memory is encrypted by the hardware, on hosts that can.",
        type: 'string',
        enum: ['true', 'false'],
      },
      mem_encryption_model: {
        title: 'Hardware Memory Encryption Model',
        description: 'The hardware feature that encrypts it.',
        type: 'string',
        enum: ['amd-sev', 'amd-sev-es', 'amd-sev-snp'],
      },
      virtio_packed_ring: {
        title: 'Virtio Packed Ring',
        description:
          "Whether virtio devices may use packed queues, which help with small packets. Only hosts that can negotiate them are taken, and the guest's driver has the last word.",
        type: 'string',
        enum: ['true', 'false'],
      },
    },
  },
];
