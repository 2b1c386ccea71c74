/**
 * The keywords of `ipsec.conf` in Libreswan 3.25 to 5.4, one a line: name, type, then what is not the rule.
 * `sided` takes left/right in front; `since` and `until` (exclusive) name versions; `obsolete` says since when the key is
 * accepted with a warning and ignored; `as` names the key whose value it sets.
 */
export const connKeywords = `
accept-redirect enum since=3.26
accept-redirect-to string since=3.26
addresspool string sided
aggressive bool
aggrmode bool as=aggressive
ah proposals as=esp
also also
alsoflip string until=5.0
auth enum sided
authby string
autheap enum sided since=4.6
auto enum
ca string sided
cat bool sided
cert string sided
cisco-split string since=5.3
cisco-unity bool
cisco_unity bool until=4.0 as=cisco-unity
ckaid string sided
clientaddrfamily enum obsolete=5.3
compress bool
connaddrfamily string until=4.0 obsolete=3.0
connalias string
debug debug since=5.0
decap-dscp bool
disablearrivalcheck bool until=4.0
dns-match-id, bool
dpdaction enum obsolete=5.0
dpddelay time
dpdtimeout time
ecdsakey string sided since=4.6
eddsakey string sided since=5.4
enable-tcp enum since=4.0
encap-dscp bool since=5.0
encapsulation enum
esn enum
esp proposals
failureshunt enum
fake-strongswan bool
forceencaps string until=5.0 obsolete=3.0
fragmentation enum
groundhog bool sided since=5.0
host host sided
hostaddrfamily enum
id string sided
ignore-peer-dns bool since=4.0
ike proposals
ike-frag enum until=4.0 as=fragmentation
ike_frag enum until=4.0 as=fragmentation
ikelifetime time
ikepad bool
ikeport number sided since=4.0
ikev1-dpdtimeout time since=5.0 as=dpdtimeout
ikev2 enum
initial-contact bool
initial_contact bool until=4.0 as=initial-contact
interface-ip subnet sided since=3.26
intermediate bool since=4.0
ipsec-interface string since=3.26
ipsec-lifetime time since=4.6 as=salifetime
ipsec-max-bytes bytes since=4.6
ipsec-max-packets number since=4.6
iptfs bool since=5.1
iptfs-drop-time time since=5.1
iptfs-fragmentation bool since=5.1
iptfs-init-delay time since=5.1
iptfs-max-queue-size number since=5.1
iptfs-packet-size number since=5.1
iptfs-reorder-window number since=5.1
keyexchange enum
keyingtries number obsolete=5.3
keylife time as=salifetime
labeled-ipsec bool until=4.0 obsolete=3.26
labeled_ipsec bool until=4.0 obsolete=3.26 as=labeled-ipsec
lifetime time as=salifetime
mark string
mark-in string
mark-out string
metric number
mobike bool
modecfgbanner string
modecfgclient bool sided
modecfgdns string
modecfgdns1 string until=4.0 as=modecfgdns
modecfgdns2 string until=4.0 obsolete=3.0
modecfgdomain string until=4.0 as=modecfgdomains
modecfgdomains string
modecfgpull bool
modecfgserver bool sided
modecfgwins1 string until=4.0 obsolete=3.0
modecfgwins2 string until=4.0 obsolete=3.0
ms-dh-downgrade bool
mtu number
narrowing bool
nat-ikev1-method enum
nat-keepalive bool
nat_keepalive bool until=4.0 as=nat-keepalive
negotiationshunt enum
nexthop string sided
nflog number
nflog-group number since=5.3 as=nflog
nic-offload enum
nm-configured bool
nm_configured bool until=4.0 as=nm-configured
nopmtudisc bool
overlapip bool
pam-authorize bool
pfs bool
pfs-rekey-workaround bool since=5.0
phase2 enum
phase2alg proposals as=esp
policy-label string as=sec-label
policy_label string until=4.0 as=sec-label
ppk enum
ppk-ids string since=5.0
priority number
protoport string sided
pubkey string sided since=4.6
reauth bool
redirect-to string since=3.26
reject-simultaneous-ike-auth string since=5.4
rekey bool
rekeyfuzz percent
rekeymargin time
remote-peer-type enum
remote_peer_type enum as=remote-peer-type
replay-window number
reqid number
require-id-on-certificate bool since=3.26
retransmit-interval time
retransmit-timeout time
rsasigkey string sided
rsasigkey2 string sided until=4.0
salifetime time
sareftrack enum until=4.0
sec-label string since=4.0
send-esp-tfc-padding-not-supported bool since=5.3 as=send-no-esp-tfc
send-no-esp-tfc bool
send-redirect enum since=3.26
send-supported-auth-methods string since=5.4
send-vendorid bool
send_vendorid bool until=4.0 as=send-vendorid
sendca enum
sendcert enum sided
session-resumption bool since=5.1
sha2-truncbug bool
sha2_truncbug bool until=4.0 as=sha2-truncbug
share-lease bool since=5.3
sourceip string sided
subnet subnet sided
subnets subnets sided
tcp-remoteport number since=4.0
tfc number
type enum
updown string sided
updown-config string sided since=5.4
username string sided
vti subnet sided
vti-interface string
vti-routing bool
vti-shared bool
xauthby enum
xauthclient bool sided
xauthfail enum
xauthname string sided until=4.0 as=username
xauthserver bool sided
xauthusername string sided as=username
`;

/** The keywords of `config setup`, in the same form. */
export const setupKeywords = `
audit-log bool since=3.26
crl-strict bool
crl-timeout time since=5.3 as=curl-timeout
crl_strict bool until=4.0 as=crl-strict
crlcheckinterval time
curl-iface string
curl-timeout time
curl_iface string until=4.0 as=curl-iface
curl_timeout time until=4.0 as=curl-timeout
ddos-ike-threshold number
ddos-mode enum
disable_port_floating string until=4.0 obsolete=3.0
dns-resolver string since=5.4
dnssec-anchors string
dnssec-enable bool
dnssec-rootkey-file string
drop-oppo-null bool
dumpdir string
exampledir string since=5.4
expire-lifetime time since=5.3 as=xfrmlifetime
expire-shunt-interval time since=5.3
force-busy string until=4.0 obsolete=3.0
force_keepalive string until=4.0 obsolete=3.0
forwardcontrol string until=4.0 obsolete=3.0
fragicmp bool until=4.0
global-redirect string since=3.26
global-redirect-to string since=3.26
hidetos bool until=4.0
ike-socket-bufsize number
ike-socket-errqueue bool
ikeport number until=4.0
ikev1-policy enum since=4.0
ikev1-secctx-attr-type number since=4.0 obsolete=5.0 as=secctx-attr-type
interfaces string obsolete=4.6
ipsec-interface-managed bool since=5.1
ipsecdir string
keep-alive time
keep_alive time until=4.0 as=keep-alive
klipsdebug string until=4.0
listen string
listen-tcp bool since=4.0
listen-udp bool since=4.0
logappend bool
logfile string
logip bool
loglimit bool since=5.4
logstderr bool since=5.3
logtime bool
max-halfopen-ike number
myvendorid string
nat-ikeport number until=4.0
nat_ikeport number until=4.0 as=nat-ikeport
nat_traversal string until=4.0 obsolete=3.0
nflog-all number
nhelpers number
nocrsend string until=4.0 obsolete=3.0
nssdir string
ocsp-cache-max-age time
ocsp-cache-min-age time
ocsp-cache-size number
ocsp-enable bool
ocsp-method enum
ocsp-strict bool
ocsp-timeout time
ocsp-trustname string
ocsp-uri string
ocsp_enable bool until=4.0 as=ocsp-enable
ocsp_strict bool until=4.0 as=ocsp-strict
ocsp_timeout number until=4.0 as=ocsp-timeout
ocsp_trust_name string until=4.0 as=ocsp-trustname
ocsp_uri string until=4.0 as=ocsp-uri
oe string until=4.0 obsolete=3.0
overridemtu number until=4.0
perpeerlog bool until=4.0
perpeerlogdir string until=4.0
pluto string until=4.0 obsolete=3.0
plutodebug debug
plutofork string until=4.0 obsolete=3.0
plutoopts string until=4.0 obsolete=3.0
plutorestartoncrash string until=4.0 obsolete=3.0
plutostderrlog string obsolete=5.3 as=logfile
plutostderrlogtime bool until=4.0 as=logtime
plutowait string until=4.0 obsolete=3.0
postpluto string until=4.0 obsolete=3.0
prepluto string until=4.0 obsolete=3.0
protostack string
rp_filter string until=4.0 obsolete=3.0
rundir string since=5.3
seccomp enum
secctx-attr-type number obsolete=5.0
secctx-attr-value number until=4.0
secctx_attr_value number until=4.0 as=secctx-attr-value
secretsfile string
seedbits number
seeddev string since=5.4
shuntlifetime time
statsbin string
strictcrlpolicy bool until=4.0 as=crl-strict
syslog string obsolete=5.3
uniqueids bool
virtual-private string
virtual_private string obsolete=5.3 as=virtual-private
xfrmlifetime time
`;
