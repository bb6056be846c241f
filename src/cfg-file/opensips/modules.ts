const NAMES = new Set(
  `aaa_diameter aaa_radius acc alias_db auth auth_aaa auth_aka auth_db auth_diameter auth_jwt avpops aws_dynamodb aws_sqs b2b_entities b2b_logic b2b_sca b2b_sdp_demux benchmark cachedb_cassandra
  cachedb_couchbase cachedb_dynamodb cachedb_local cachedb_memcached cachedb_mongodb cachedb_redis cachedb_sql call_center call_control callops carrierroute cfgutils cgrates
  clusterer compression config cpl_c cpl-c db_berkeley db_cachedb db_flatstore db_http db_mysql db_oracle db_perlvdb db_postgres db_sqlite db_text db_unixodbc db_virtual
  dialog dialplan dispatcher diversion dns_cache domain domainpolicy drouting emergency enum event_datagram event_flatstore event_ipsec event_jsonrpc event_kafka event_nats event_rabbitmq event_route event_routing
  event_sqs event_stream event_virtual event_xmlrpc event_rtpproxy exec fraud_detection freeswitch freeswitch_scripting gflags group h350 http2d httpd identity imc janus jabber json
  jsonrpc launch_darkly ldap load_balancer lua mangler mathops maxfwd media_exchange mediaproxy mi_datagram mi_fifo mi_html mi_http mi_json mi_script mi_xmlrpc mi_xmlrpc_ng mid_registrar mmgeoip
  mqueue msilo msrp_gateway msrp_relay msrp_ua nat_traversal nathelper options opentelemetry osp path peering perl permissions pike presence presence_callinfo presence_dfks presence_dialoginfo
  presence_mwi presence_reginfo presence_xcapdiff presence_xml prometheus proto_bin proto_bins proto_hep proto_ipsec proto_msrp proto_sctp proto_smpp proto_tcp proto_tls proto_udp proto_ws proto_wss
  pua pua_bla pua_dialoginfo pua_mi pua_reginfo pua_usrloc pua_xmpp python q850 qos qrouting rabbitmq rate_cacher ratelimit regex registrar rest_client rls rr rtp.io rtp_relay rtpengine rtpproxy
  script_helper seas signaling sip_i sipcapture sipmsgops siprec siptrace sl sms smpp sngtc snmpstats sockets_mgm speeddial sqlops sst statistics status_report stir_shaken stun sdpops tcp_mgm textops tls_mgm tls_openssl
  tls_wolfssl tm topology_hiding trie tracer uac uac_auth uac_redirect uac_registrant uri userblacklist usrloc uuid xcap xcap_client xlog xml xmpp`.split(
    /\s+/,
  ),
);

/** Names of all modules of past and present OpenSIPS versions. */
export function opensipsModules(): ReadonlySet<string> {
  return NAMES;
}

/** Whether OpenSIPS has a module of this name. */
export function isOpensipsModule(name: string): boolean {
  return NAMES.has(name);
}
