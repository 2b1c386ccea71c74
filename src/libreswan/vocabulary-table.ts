/**
 * Every key of `ipsec.conf` in Libreswan 3.25 to 5.4, one a line: the key (`*` before one that takes left or right), then from
 * which version on it is read how. `>key` is another name of that key; `-` is a key that the version does not know.
 */
export const connTable = `
* 3.25:loose(host) 5.3:text
accept-redirect 3.32:name(yna) 5.0:name(yn2) 5.4:text
accept-redirect-to 3.32:text
*addresspool 3.25:text
aggressive 3.25:bool 5.0:name(yn2) 5.4:text
aggrmode 3.25:bool>aggressive 5.0:name(yn2)>aggressive 5.4:text>aggressive
ah 3.25:text>phase2alg 4.5:text>esp 5.3:text
also 3.25:append 5.0:also
alsoflip 3.25:text 5.0:-
*auth 3.25:name(auth) 4.10:name(auth2) 5.3:text
authby 3.25:text
*autheap 4.10:name(eap) 5.3:text
auto 3.25:name(auto) 4.5:name(auto2) 5.2:name(autostart) 5.4:text
*ca 3.25:text
*cat 3.25:bool 5.2:name(yn2) 5.4:text
*cert 3.25:text
cisco-split 5.3:text
cisco-unity 3.25:bool 5.3:text
cisco_unity 3.25:bool>cisco-unity 4.5:-
*ckaid 3.25:text
clientaddrfamily 3.25:name(addrfamily) 5.3:obsolete
clones 5.4:text
compress 3.25:bool 5.0:name(yn2) 5.4:text
connaddrfamily 3.25:obsolete 4.5:-
connalias 3.25:append
debug 5.0:flags 5.2:flags>plutodebug 5.3:text
decap-dscp 3.25:bool 5.0:name(yn2) 5.4:text
disablearrivalcheck 3.25:bool 4.5:-
dns-match-id, 3.25:bool 5.0:name(yn2) 5.4:text
dpdaction 3.25:name(dpdaction) 5.0:obsolete
dpddelay 3.25:time 5.0:text
dpdtimeout 3.25:time 5.0:text>ikev1-dpdtimeout 5.4:text
*ecdsakey 4.10:loose(rsasigkey) 5.3:text
*eddsakey 5.4:text
enable-tcp 4.5:name(tcp) 5.0:name(tcp2) 5.4:text
encap-dscp 5.0:name(yn2) 5.4:text
encapsulation 3.25:name(yna) 5.0:name(yna2) 5.4:text
esn 3.25:name(esn) 5.0:name(yne) 5.4:text
esp 3.25:text>phase2alg 4.5:text
failureshunt 3.25:name(failureshunt) 5.3:name(failure-shunt) 5.4:text
fake-strongswan 3.25:bool 5.3:name(yn2) 5.4:text
forceencaps 3.25:obsolete 5.0:-
fragmentation 3.25:name(ynf) 5.0:name(ynf2) 5.4:text
*groundhog 5.0:text 5.3:name(yn2) 5.4:text
hostaddrfamily 3.25:name(addrfamily) 5.3:text
*id 3.25:text
ignore-peer-dns 4.5:bool 5.0:name(yn2) 5.4:text
ike 3.25:text
ike-frag 3.25:name(ynf)>fragmentation 4.5:-
ike_frag 3.25:name(ynf)>fragmentation 4.5:-
ikelifetime 3.25:time 5.4:text
ikepad 3.25:bool 5.0:name(yn2) 5.2:name(yna2) 5.4:text
*ikeport 4.5:number 5.3:text
ikev1-dpdtimeout 5.0:text 5.4:text>dpdtimeout
ikev2 3.25:name(fourvalued) 5.0:name(ikev2) 5.3:text
initial-contact 3.25:bool 5.3:name(yn2) 5.4:text
initial_contact 3.25:bool>initial-contact 4.5:-
*interface-ip 3.32:text 4.5:- 5.0:text
intermediate 4.5:bool 5.0:name(yn2) 5.4:text
ipsec-interface 3.32:loose(yn) 5.0:text
ipsec-lifetime 4.10:time 5.4:text
ipsec-max-bytes 4.10:bytes 5.3:text
ipsec-max-packets 4.10:binary 5.3:text
iptfs 5.2:name(yn2) 5.4:text
iptfs-drop-time 5.2:time 5.4:text
iptfs-fragmentation 5.2:name(yn2) 5.4:text
iptfs-init-delay 5.2:time 5.4:text
iptfs-max-queue-size 5.2:binary 5.3:text
iptfs-packet-size 5.2:binary 5.3:text
iptfs-reorder-window 5.2:binary 5.3:text
keyexchange 3.25:name(keyexchange) 5.0:name(keyexchange2) 5.3:text
keyingtries 3.25:number 5.3:obsolete
keylife 3.25:time>salifetime 4.10:time>ipsec-lifetime 5.4:text>ipsec-lifetime
labeled-ipsec 3.25:bool 3.32:-
labeled_ipsec 3.25:bool>labeled-ipsec 3.32:-
lifetime 3.25:time>salifetime 4.10:time>ipsec-lifetime 5.4:text>ipsec-lifetime
mark 3.25:text
mark-in 3.25:text
mark-out 3.25:text
metric 3.25:number 5.4:text
mobike 3.25:bool 5.0:name(yn2) 5.4:text
modecfgbanner 3.25:text
*modecfgclient 3.25:bool 5.2:name(yn2) 5.4:text
modecfgdns 3.25:text
modecfgdns1 3.25:text>modecfgdns 4.5:-
modecfgdns2 3.25:obsolete 4.5:-
modecfgdomain 3.25:text>modecfgdomains 4.5:-
modecfgdomains 3.25:text
modecfgpull 3.25:bool 5.0:name(yn2) 5.4:text
*modecfgserver 3.25:bool 5.2:name(yn2) 5.4:text
modecfgwins1 3.25:obsolete 4.5:-
modecfgwins2 3.25:obsolete 4.5:-
ms-dh-downgrade 3.25:bool 5.0:name(yn2) 5.4:text
mtu 3.25:number 5.3:text
narrowing 3.25:bool 5.0:name(yn2) 5.4:text
nat-ikev1-method 3.25:name(ikev1natt) 5.4:text
nat-keepalive 3.25:bool 5.3:name(yn2) 5.4:text
nat_keepalive 3.25:bool>nat-keepalive 4.5:-
negotiationshunt 3.25:name(negotiationshunt) 5.3:name(negotiation-shunt) 5.4:text
*nexthop 3.25:text
nflog 3.25:number 5.3:text>nflog-group
nflog-group 5.3:text
nic-offload 3.32:name(yna) 5.0:name(nic-offload) 5.4:text
nm-configured 3.25:bool 5.0:name(yn2) 5.3:text
nm_configured 3.25:bool>nm-configured 4.5:-
nopmtudisc 3.25:bool 5.0:name(yn2) 5.4:text
overlapip 3.25:bool 5.0:name(yn2) 5.4:text
pam-authorize 3.25:bool 5.0:name(yn2) 5.4:text
pfs 3.25:bool 5.0:name(yn2) 5.4:text
pfs-rekey-workaround 5.0:name(yn2) 5.4:text
phase2 3.25:name(phase2types) 5.0:name(phase2types2) 5.4:text
phase2alg 3.25:text 4.5:text>esp 5.3:text
plutodebug 5.0:flags 5.3:-
policy-label 3.25:text 3.32:- 4.5:text 5.3:text>sec-label
policy_label 3.25:text>policy-label 3.32:-
ppk 3.25:name(fourvalued) 5.0:name(nppi) 5.4:text
ppk-ids 5.0:text
priority 3.25:number 5.3:text
*protoport 3.25:text
*pubkey 4.10:loose(rsasigkey) 5.3:text
reauth 3.25:bool 5.0:name(yn2) 5.4:text
redirect-to 3.32:text
reject-simultaneous-ike-auth 5.4:text
rekey 3.25:bool 5.0:name(yn2) 5.4:text
rekeyfuzz 3.25:percent 5.3:text
rekeymargin 3.25:time 5.4:text
remote-peer-type 3.25:name(remote-peer-type) 5.3:text
remote_peer_type 3.25:name(remote-peer-type)>remote-peer-type 5.3:text>remote-peer-type
replay-window 3.25:number 5.3:text
reqid 3.25:number 5.3:text
require-id-on-certificate 3.32:bool 5.0:name(yn2) 5.4:text
retransmit-interval 3.25:number 4.10:ms 5.3:text
retransmit-timeout 3.25:time 5.4:text
*rsasigkey 3.25:loose(rsasigkey) 5.3:text
*rsasigkey2 3.25:loose(rsasigkey) 4.5:-
salifetime 3.25:time 4.10:time>ipsec-lifetime 5.4:text>ipsec-lifetime
sareftrack 3.25:name(sareftrack) 4.5:-
sec-label 4.5:text>policy-label 5.3:text
send-esp-tfc-padding-not-supported 5.3:name(yn2) 5.4:text
send-no-esp-tfc 3.25:bool 5.3:name(yn2)>send-esp-tfc-padding-not-supported 5.4:text>send-esp-tfc-padding-not-supported
send-redirect 3.32:name(yna) 5.0:name(yna2) 5.4:text
send-supported-auth-methods 5.4:text
send-vendorid 3.25:bool 5.3:name(yn2) 5.4:text
send_vendorid 3.25:bool>send-vendorid 4.5:-
sendca 3.25:name(sendca) 5.3:text
*sendcert 3.25:name(sendcert) 5.3:text
session-resumption 5.2:name(yn2) 5.4:text
sha2-truncbug 3.25:bool 5.0:name(yn2) 5.4:text
sha2_truncbug 3.25:bool>sha2-truncbug 4.5:-
share-lease 5.3:name(yn2) 5.4:text
*sourceip 3.25:text
*subnet 3.25:text
*subnets 3.25:append
tcp-remoteport 4.5:number 5.4:text
tfc 3.25:number 5.3:text
type 3.25:name(type) 5.4:text
*updown 3.25:text
*updown-config 5.4:text
*username 3.25:text
*vti 3.25:text
vti-interface 3.25:text
vti-routing 3.25:bool 5.0:name(yn2) 5.4:text
vti-shared 3.25:bool 5.0:name(yn2) 5.4:text
xauthby 3.25:name(xauthby) 5.4:text
*xauthclient 3.25:bool 5.3:name(yn2) 5.4:text
xauthfail 3.25:name(xauthfail) 5.4:text
*xauthname 3.25:text>username 4.5:-
*xauthserver 3.25:bool 5.3:name(yn2) 5.4:text
*xauthusername 3.25:text>username
`;

export const setupTable = `
audit-log 3.32:bool 5.3:name(yn2)
crl-strict 3.25:bool 5.3:name(yn2)
crl-timeout 5.3:time
crl_strict 3.25:bool>crl-strict 4.5:-
crlcheckinterval 3.25:time
curl-iface 3.25:text
curl-timeout 3.25:time 5.3:time>crl-timeout
curl_iface 3.25:text>curl-iface 4.5:-
curl_timeout 3.25:time>curl-timeout 4.5:-
ddos-ike-threshold 3.25:number
ddos-mode 3.25:name(ddos)
debug 5.0:flags 5.2:flags>plutodebug 5.3:-
disable_port_floating 3.25:obsolete 4.5:-
dns-resolver 5.4:text
dnssec-anchors 3.25:text
dnssec-enable 3.25:bool 5.3:name(yn2)
dnssec-rootkey-file 3.25:text
drop-oppo-null 3.25:bool 5.3:name(yn2)
dumpdir 3.25:text
exampledir 5.4:reserved
expire-lifetime 5.3:time
expire-shunt-interval 5.3:time
force-busy 3.25:obsolete 4.5:-
force_keepalive 3.25:obsolete 4.5:-
forwardcontrol 3.25:obsolete 4.5:-
fragicmp 3.25:bool 4.5:-
global-redirect 3.32:text 5.3:name(global-redirect)
global-redirect-to 3.32:text
hidetos 3.25:bool 4.5:-
ike-socket-bufsize 3.25:number
ike-socket-errqueue 3.25:bool 5.3:name(yn2)
ikeport 3.25:number 4.5:-
ikev1-policy 4.5:name(global-ikev1)
ikev1-secctx-attr-type 4.5:number 5.0:obsolete
interfaces 3.25:text 4.10:obsolete
ipsec-interface-managed 5.2:name(yn2)
ipsecdir 3.25:text
keep-alive 3.25:number 5.2:time
keep_alive 3.25:number>keep-alive 4.5:-
klipsdebug 3.25:names(klipsdebug) 4.5:-
listen 3.25:text
listen-tcp 4.5:bool 5.3:name(yn2)
listen-udp 4.5:bool 5.3:name(yn2)
logappend 3.25:bool 5.3:name(yn2)
logfile 3.25:text
logip 3.25:bool 5.3:name(yn2)
loglimit 5.4:name(yn2)
logstderr 5.4:reserved
logtime 3.25:bool 5.3:name(yn2)
max-halfopen-ike 3.25:number
myvendorid 3.25:text
nat-ikeport 3.25:number 4.5:-
nat_ikeport 3.25:number>nat-ikeport 4.5:-
nat_traversal 3.25:obsolete 4.5:-
nflog-all 3.25:number
nhelpers 3.25:number
nocrsend 3.25:obsolete 4.5:-
nssdir 3.25:text
ocsp-cache-max-age 3.25:time
ocsp-cache-min-age 3.25:time
ocsp-cache-size 3.25:number
ocsp-enable 3.25:bool 5.3:name(yn2)
ocsp-method 3.25:name(ocsp-method)
ocsp-strict 3.25:bool 5.3:name(yn2)
ocsp-timeout 3.25:number 5.2:time
ocsp-trustname 3.25:text
ocsp-uri 3.25:text
ocsp_enable 3.25:bool>ocsp-enable 4.5:-
ocsp_strict 3.25:bool>ocsp-strict 4.5:-
ocsp_timeout 3.25:number>ocsp-timeout 4.5:-
ocsp_trust_name 3.25:text>ocsp-trustname 4.5:-
ocsp_uri 3.25:text>ocsp-uri 4.5:-
oe 3.25:obsolete 4.5:-
overridemtu 3.25:number 4.5:-
perpeerlog 3.25:bool 4.5:-
perpeerlogdir 3.25:text 4.5:-
pluto 3.25:obsolete 4.5:-
plutodebug 3.25:flags 5.3:text
plutofork 3.25:obsolete 4.5:-
plutoopts 3.25:obsolete 4.5:-
plutorestartoncrash 3.25:obsolete 4.5:-
plutostderrlog 3.25:text>logfile 5.3:obsolete
plutostderrlogtime 3.25:bool>logtime 4.5:-
plutowait 3.25:obsolete 4.5:-
postpluto 3.25:obsolete 4.5:-
prepluto 3.25:obsolete 4.5:-
protostack 3.25:text
rp_filter 3.25:obsolete 4.5:-
rundir 5.4:reserved
seccomp 5.4:unsupported
secctx-attr-type 3.25:number>secctx-attr-value 3.32:- 4.5:number>ikev1-secctx-attr-type 5.0:obsolete
secctx-attr-value 3.25:number 3.32:-
secctx_attr_value 3.25:number>secctx-attr-value 3.32:-
secretsfile 3.25:text
seedbits 3.25:number
seeddev 5.4:text
shuntlifetime 3.25:time
statsbin 3.25:text
strictcrlpolicy 3.25:bool>crl-strict 4.5:-
syslog 3.25:text 5.3:obsolete
uniqueids 3.25:bool 5.3:name(yn2)
virtual-private 3.25:text
virtual_private 3.25:text>virtual-private 5.3:obsolete
xfrmlifetime 3.25:number 5.3:time>expire-lifetime
`;

/** Sets of words that a value is taken from; words joined by `=` mean the same. */
export const wordSets = `
addrfamily: ipv4=v4=inet ipv6=v6=inet6
auth: never secret rsasig null
auth2: never secret rsasig=rsa ecdsa null eaponly
auto: ignore add ondemand=route start=up
auto2: ignore add ondemand=route start=up keep
autostart: ignore add ondemand route up start keep
ddos: auto busy unlimited
dpdaction: hold clear restart=restart_by_peer
eap: none tls
esn: yes no either
failure-shunt: none pass=passthrough drop hold=reject
failureshunt: none passthrough drop=hold reject
fourvalued: never=no permit propose=yes insist=always
global-ikev1: accept reject drop
global-redirect: no yes auto
host: %defaultroute %any % %oppo=%opportunistic %opportunisticgroup=%oppogroup %group %hostname
ikev1natt: both rfc drafts none
ikev2: never=permit=no=false=off=n propose=insist=yes=true=on=y=always
keyexchange: ike
keyexchange2: ike ikev1 ikev2
klipsdebug: all none verbose xmit=tunnel-xmit netlink xform eroute spi radij esp ah rcv tunnel pfkey comp nat-traversal=nattraversal=natt
negotiation-shunt: pass=passthrough hold=drop
negotiationshunt: passthrough drop=hold
nic-offload: no crypto=yes packet
nppi: never=no=false=off=n permit propose=yes=true=on=y insist=always
ocsp-method: get post
phase2types: esp=default ah
phase2types2: esp ah default
remote-peer-type: cisco
rsasigkey: "" %cert %dns=%dnsondemand
sareftrack: yes no conntrack
sendca: none issuer all
sendcert: never sendifasked alwayssend=always
tcp: no yes fallback
tcp2: yes=true=on=y no=false=off=n fallback
type: tunnel transport pass=passthrough reject drop
xauthby: file pam alwaysok
xauthfail: hard soft
yn: yes no
yn2: yes=true=on=y=1 no=false=off=n=0
yna: yes no auto
yna2: yes=true=on=y no=false=off=n auto
yne: yes=true=on=y no=false=off=n either
ynf: never=no yes insist=force
ynf2: yes=true=on=y no=false=off=n=never force=insist
`;
