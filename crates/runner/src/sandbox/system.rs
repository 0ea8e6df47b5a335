//! What of the machine's own files every build may read.

/// Programs and libraries. On most systems all but `/usr` are links into it.
pub(super) const PROGRAMS: [&str; 9] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
];

/// The parts of `/etc` that programs need and that hold no secret. Not among them: passwords,
/// private keys (`/etc/ssl/private`), the machine's names and networks, configuration of services.
pub(super) const ETC: [&str; 22] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/debian_version",
    "/etc/fonts",
    "/etc/java-17-openjdk",
    "/etc/java-21-openjdk",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/perl",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];

/// Needed to find other machines by name.
pub(super) const RESOLVER: &str = "/etc/resolv.conf";

/// What the build finds as `/etc/passwd` and the like; nothing of the machine's own accounts.
pub(super) const MADE_UP: [(&str, &str); 4] = [
    (
        "passwd",
        "root:x:0:0:root:/root:/bin/sh\nbuild:x:1000:1000:build:/codebuild/home:/bin/sh\n\
         nobody:x:65534:65534:nobody:/:/bin/false\n",
    ),
    ("group", "root:x:0:\nbuild:x:1000:\nnogroup:x:65534:\n"),
    ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    (
        "nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files dns\n",
    ),
];

/// The build's own user inside a user namespace: `build` of the made-up accounts.
pub(super) const BUILD_ID: &str = "1000";
