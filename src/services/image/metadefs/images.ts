import { type Definition, uuidPattern, words } from './definition.ts';

/** What is said of images. */
export const imageDefinitions: readonly Definition[] = [
  {
    namespace: 'OS::Glance::CommonImageProperties',
    display_name: 'Common Image Properties',
    description: 'What is worth saying of most images.',
    protected: true,
    properties: {
      kernel_id: {
        title: 'Kernel ID',
        description: 'The image of the kernel that this one boots by.',
        type: 'string',
        pattern: uuidPattern,
      },
      ramdisk_id: {
        title: 'Ramdisk ID',
        description: 'The image of the ramdisk that this one boots by.',
        type: 'string',
        pattern: uuidPattern,
      },
      instance_uuid: {
        title: 'Instance ID',
        description: 'The server that the image has to do with. A note only.',
        type: 'string',
      },
      architecture: {
        title: 'CPU Architecture',
        description:
          "The architecture of CPU that the image needs, by libosinfo's name: x86_64, arm, ppc64; `uname -m` tells it of a machine.",
        type: 'string',
      },
      os_distro: {
        title: 'OS Distro',
        description: "The distribution of the operating system, by libosinfo's name in small letters.",
        type: 'string',
      },
      hw_cpu_mode: {
        title: 'CPU Mode',
        description: 'Which model of CPU the guest is shown.',
        type: 'string',
      },
      os_version: {
        title: 'OS Version',
        description: 'The version of the operating system, as its distributor writes it: 11.10',
        type: 'string',
      },
      description: {
        title: 'Image description',
        description: 'What the image is, for people.',
        type: 'string',
      },
      cinder_encryption_key_id: {
        title: 'Cinder Encryption Key ID',
        description: 'The key, in the key manager, that a volume from this image is opened with.',
        type: 'string',
      },
      cinder_encryption_key_deletion_policy: {
        title: 'Cinder Encryption Key Deletion Policy',
        description: 'Whether the key is deleted with the image. It is kept where nothing is said.',
        type: 'string',
        enum: ['on_image_deletion', 'do_not_delete'],
      },
    },
  },
  {
    namespace: 'OS::Glance::Signatures',
    display_name: 'Image Signature Verification',
    description: 'How to verify, before a server boots from an image, that nobody has changed it.',
    visibility: 'public',
    resource_types: [['OS::Glance::Image']],
    properties: {
      img_signature: {
        title: 'Image Signature',
        description: "The signature of the image's bytes, in base64.",
        type: 'string',
      },
      img_signature_certificate_uuid: {
        title: 'Image Signature Certificate UUID',
        description: "The certificate's id in the key manager.",
        type: 'string',
      },
      img_signature_hash_method: {
        title: 'Image Signature Hash Method',
        description: 'The hash that was signed.',
        type: 'string',
        enum: ['SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'],
      },
      img_signature_key_type: {
        title: 'Image Signature Key Type',
        description: 'The type of key that signed it.',
        type: 'string',
        enum: words(
          'RSA-PSS DSA ECC_SECT571K1 ECC_SECT409K1 ECC_SECT571R1 ECC_SECT409R1 ECC_SECP521R1 ECC_SECP384R1',
        ),
      },
    },
  },
  {
    namespace: 'OS::OperatingSystem',
    display_name: 'Common Operating System Properties',
    description: 'The operating system in an image.',
    protected: true,
    resource_types: [['OS::Glance::Image'], ['OS::Cinder::Volume', '', 'image']],
    properties: {
      os_distro: {
        title: 'OS Distro',
        description: "The distribution of the operating system, by libosinfo's name in small letters.",
        type: 'string',
      },
      os_version: {
        title: 'OS Version',
        description: 'The version of the operating system, as its distributor writes it: 11.10',
        type: 'string',
      },
      os_admin_user: {
        title: 'OS Admin User',
        description: 'The user who may do everything.',
        type: 'string',
      },
    },
  },
  {
    namespace: 'OS::Cinder::Volumetype',
    display_name: 'Cinder Volume Type',
    description: 'Which type of volume is made from an image: it decides on the back end and its settings.',
    visibility: 'public',
    protected: true,
    resource_types: [['OS::Glance::Image', 'cinder_']],
    properties: {
      img_volume_type: {
        title: 'Image Volume Type',
        description:
          "The type of a volume that is made from the image where the request names none; it counts for more than the operator's default type.",
        type: 'string',
      },
    },
  },
];
