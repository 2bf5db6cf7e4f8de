import { adminUser, type Definition, port, version } from './definition.ts';

/** Software that is installed in images and on servers. */
export const softwareDefinitions: readonly Definition[] = [
  {
    namespace: 'OS::Software::DBMS',
    display_name: 'Database Software',
    description: 'Databases that are installed in an image or on a server.',
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Glance::Image'],
      ['OS::Cinder::Volume', '', 'image'],
      ['OS::Nova::Server', '', 'metadata'],
      ['OS::Trove::Instance'],
    ],
    objects: {
      MySQL: {
        description: 'A relational database, the M of many web stacks; free software, and sold by Oracle.',
        properties: {
          sw_database_mysql_version: version('MySQL'),
          sw_database_mysql_listen_port: port('Listen Port', 3606, 'The TCP port of clients.'),
          sw_database_mysql_admin: adminUser('root'),
        },
      },
      PostgreSQL: {
        description: 'A relational database that can be extended and keeps close to the SQL standard.',
        properties: {
          sw_database_postgresql_version: version('PostgreSQL'),
          sw_database_postgresql_listen_port: port('Listen Port', 5432, 'The TCP port of clients.'),
          sw_database_postgresql_admin: adminUser('postgres'),
        },
      },
      'SQL Server': {
        description: "Microsoft's relational database, in editions from the desktop to the data warehouse.",
        properties: {
          sw_database_sqlserver_version: version('SQL Server'),
          sw_database_sqlserver_edition: {
            title: 'Edition',
            description: 'Which edition it is.',
            type: 'string',
            default: 'Express',
            enum: [
              'Datacenter',
              'Enterprise',
              'Standard',
              'Web',
              'Business Intelligence',
              'Workgroup',
              'Express',
              'Compact (SQL CE)',
              'Developer',
              'Embedded (SSEE)',
              'Express',
              'Fast Track',
              'LocalDB',
              'Parallel Data Warehouse (PDW)',
              'Business Intelligence',
              'Datawarehouse Appliance Edition',
            ],
          },
          sw_database_sqlserver_listen_port: port('Listen Port', 1433, 'The TCP port of clients.'),
          sw_database_postsqlserver_admin: adminUser('sa'),
        },
      },
      Oracle: {
        description: "Oracle's relational database.",
        properties: {
          sw_database_oracle_version: version('Oracle'),
          sw_database_oracle_edition: {
            title: 'Edition',
            description: 'Which edition it is.',
            type: 'string',
            default: 'Express',
            enum: ['Enterprise', 'Standard', 'Standard Edition One', 'Express (XE)', 'Workgroup', 'Lite'],
          },
          sw_database_oracle_listen_port: port('Listen Port', 1521, 'The TCP port of clients.'),
        },
      },
      DB2: {
        description: "IBM's family of relational databases.",
        properties: {
          sw_database_db2_version: version('DB2'),
          sw_database_db2_port: port('Listen Port', 5432, 'The TCP port of clients.'),
          sw_database_db2_admin: adminUser(),
        },
      },
      MongoDB: {
        description: 'A database of documents like JSON, without a fixed schema.',
        properties: {
          sw_database_mongodb_version: version('MongoDB'),
          sw_database_mongodb_listen_port: port('Listen Port', 27017, 'The TCP port of clients.'),
          sw_database_mongodb_admin: adminUser(),
        },
      },
      'Couchbase Server': {
        description:
          'A distributed database of documents and keys for interactive applications; Membase at first.',
        properties: {
          sw_database_couchbaseserver_version: version('Couchbase Server'),
          sw_database_couchbaseserver_listen_port: port('Listen Port', 11211, 'The TCP port of clients.'),
          sw_database_couchbaseserver_admin: adminUser('admin'),
        },
      },
      Redis: {
        description: 'A server of data structures in memory, durable where that is wanted.',
        properties: {
          sw_database_redis_version: version('Redis'),
          sw_database_redis_listen_port: port('Listen Port', 6379, 'The TCP port of clients.'),
          sw_database_redis_admin: adminUser('admin'),
        },
      },
      CouchDB: {
        description: 'A database of JSON documents that speaks HTTP and replicates between equals.',
        properties: {
          sw_database_couchdb_version: version('CouchDB'),
          sw_database_couchdb_listen_port: port('Listen Port', 5984, 'The TCP port of clients.'),
          sw_database_couchdb_admin: adminUser(),
        },
      },
      'Apache Cassandra': {
        description: 'A distributed database of wide columns without a single point of failure.',
        properties: {
          sw_database_cassandra_version: version('Apache Cassandra'),
          sw_database_cassandra_listen_port: port('Listen Port', 9160, 'The TCP port of clients.'),
          sw_database_cassandra_admin: adminUser('cassandra'),
        },
      },
      HBase: {
        description: "A distributed database of wide columns on Hadoop's file system.",
        properties: {
          sw_database_hbase_version: version('HBase'),
        },
      },
      Hazlecast: {
        description: 'A data grid in memory, spread evenly over its members.',
        properties: {
          sw_database_hazlecast_version: version('Hazelcast'),
          sw_database_hazlecast_port: port('Listen Port', 5701, 'The TCP port on which members meet.'),
        },
      },
    },
  },
  {
    namespace: 'OS::Software::Runtimes',
    display_name: 'Runtime Environment',
    description: 'Languages whose programs an image or a server can run.',
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Glance::Image'],
      ['OS::Cinder::Volume', '', 'image'],
      ['OS::Nova::Server', '', 'metadata'],
    ],
    objects: {
      PHP: {
        description: 'A scripting language, mostly of web servers.',
        properties: {
          sw_runtime_php_version: version('PHP'),
        },
      },
      Python: {
        description: 'A general-purpose language that cares for being readable.',
        properties: {
          sw_runtime_python_version: version('Python'),
        },
      },
      Java: {
        description: 'An object-oriented language whose bytecode runs on any Java virtual machine.',
        properties: {
          sw_runtime_java_version: version('Java'),
        },
      },
      Ruby: {
        description: 'A dynamic language in which everything is an object.',
        properties: {
          sw_runtime_ruby_version: version('Ruby'),
        },
      },
      Perl: {
        description: 'A general-purpose scripting language, at home with text.',
        properties: {
          sw_runtime_perl_version: version('Perl'),
        },
      },
    },
  },
  {
    namespace: 'OS::Software::WebServers',
    display_name: 'Web Servers',
    description: 'Web servers that are installed in an image or on a server.',
    visibility: 'public',
    protected: true,
    resource_types: [
      ['OS::Glance::Image'],
      ['OS::Cinder::Volume', '', 'image'],
      ['OS::Nova::Server', '', 'metadata'],
    ],
    objects: {
      'Apache HTTP Server': {
        description: "The Apache Software Foundation's web server.",
        properties: {
          sw_webserver_apache_version: version('Apache HTTP Server'),
          sw_webserver_apache_http_port: port('HTTP Port', 80, 'The TCP port of HTTP.'),
          sw_webserver_apache_https_port: port('HTTPS Port', 443, 'The TCP port of HTTPS.'),
        },
      },
      Nginx: {
        description: 'A web server, reverse proxy and load balancer made for many connections at once.',
        properties: {
          sw_webserver_nginx_version: version('Nginx'),
          sw_webserver_nginx_http_port: port('HTTP Port', 80, 'The TCP port of HTTP.'),
          sw_webserver_nginx_https_port: port('HTTPS Port', 443, 'The TCP port of HTTPS.'),
        },
      },
      IIS: {
        description: "Microsoft's web server, a part of Windows.",
        properties: {
          sw_webserver_iis_version: version('IIS'),
          sw_webserver_iis_http_port: port('HTTP Port', 80, 'The TCP port of HTTP.'),
          sw_webserver_iis_https_port: port('HTTPS Port', 443, 'The TCP port of HTTPS.'),
        },
      },
    },
  },
];
