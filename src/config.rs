//! Settings: flag > environment > file > default. The only place that reads the environment.

use std::{
    collections::HashMap,
    env, fmt, io,
    net::{IpAddr, Ipv6Addr},
    path::{Path, PathBuf},
};

use config::{Config, ConfigError, Environment, File, FileFormat};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::vault::EncryptionKey;

/// Read if it exists and no other file is named.
const FILE: &str = "muster.toml";

/// What the server needs to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `postgres://…`, or the path of a SQLite file. Environment: `MUSTER_DATABASE_URL`, else `DATABASE_URL`.
    pub database_url: String,
    /// Address and port to listen on; port 0 takes a free one. Environment: `MUSTER_LISTEN`.
    pub listen: String,
    /// What people reach the server by, such as `https://muster.example.org`; every address that is told begins so. If there is none, it
    /// begins with what the request came to. Environment: `MUSTER_PUBLIC_URL`.
    pub public_url: Option<PublicUrl>,
    /// The addresses of proxies in front of the server, or networks of them, separated by commas; only these are believed where a request
    /// comes from (`X-Forwarded-For`). Environment: `MUSTER_TRUSTED_PROXIES`.
    pub trusted_proxies: TrustedProxies,
    /// Threads that serve requests. Environment: `MUSTER_WORKERS`.
    pub workers: usize,
    /// Connections to the database for each of reading and (on Postgres) writing. Environment: `MUSTER_CONNECTIONS`.
    pub connections: u32,
    /// Under which identity numbers and second factors are encrypted; without one none are stored. Environment: `MUSTER_ENCRYPTION_KEY`.
    pub encryption_key: Option<EncryptionKey>,
    /// What is logged, in the syntax of `RUST_LOG`. Environment: `MUSTER_LOG`.
    pub log: String,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            database_url: "./muster.db".to_owned(),
            listen: "127.0.0.1:8080".to_owned(),
            public_url: None,
            trusted_proxies: TrustedProxies::default(),
            workers: cores,
            connections: u32::try_from(cores * 4).unwrap_or(8).clamp(4, 64),
            encryption_key: None,
            log: "info".to_owned(),
        }
    }
}

/// Scheme and host, with a port if it is not the scheme's own: an address to which a path is added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl {
    pub scheme: String,
    pub host: String,
}

impl TryFrom<String> for PublicUrl {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("public_url `{text}` is not http:// or https:// and a host, with a port if need be and no path");
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let (name, port) = match host.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok().filter(|port: &u16| *port > 0)),
            _ => (host, Some(0)),
        };
        let is_name = |name: &str| !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.".contains(letter));
        let is_address = |name: &str| {
            name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).is_some_and(|name| name.parse::<Ipv6Addr>().is_ok())
        };
        if !["http", "https"].contains(&scheme) || port.is_none() || !(is_name(name) || is_address(name)) {
            return Err(wrong());
        }
        // As browsers write it in Origin.
        let own = if scheme == "https" { 443 } else { 80 };
        let host = if port == Some(own) { name } else { host };
        Ok(Self { scheme: scheme.to_owned(), host: host.to_ascii_lowercase() })
    }
}

impl From<PublicUrl> for String {
    fn from(PublicUrl { scheme, host }: PublicUrl) -> Self {
        format!("{scheme}://{host}")
    }
}

/// Addresses and networks whose word is taken for where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl TryFrom<String> for TrustedProxies {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let network = |one: &str| one.parse::<IpNet>().or_else(|_| one.parse::<IpAddr>().map(IpNet::from)).ok();
        let wrong = |one: &str| format!("trusted_proxies: `{one}` is no address, such as 10.0.0.1, and no network, such as 10.0.0.0/8");
        let named = text.split(',').map(str::trim).filter(|one| !one.is_empty());
        named.map(|one| network(one).ok_or_else(|| wrong(one))).collect::<Result<_, _>>().map(Self)
    }
}

impl From<TrustedProxies> for String {
    fn from(TrustedProxies(networks): TrustedProxies) -> Self {
        networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// What the command line says about the settings; it wins over everything else.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub database_url: Option<String>,
    pub listen: Option<String>,
    pub log: Option<String>,
}

/// Why the settings cannot be used, on one line.
#[derive(Debug, thiserror::Error)]
pub struct SettingsFault(String);

impl fmt::Display for SettingsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ConfigError> for SettingsFault {
    fn from(error: ConfigError) -> Self {
        Self(format!("the settings cannot be read: {error}"))
    }
}

impl Settings {
    /// Collects the settings from `flags`, the environment, the file and the defaults, in this order of precedence.
    ///
    /// # Errors
    /// If the file cannot be read or holds an unknown setting, or if a value is of no use.
    pub fn load(flags: Flags) -> Result<Self, SettingsFault> {
        Self::merge(flags, environment())
    }

    fn merge(flags: Flags, mut environment: HashMap<String, String>) -> Result<Self, SettingsFault> {
        // An empty variable is one that is not set.
        environment.retain(|_, value| !value.is_empty());
        let mut builder = Config::builder().add_source(Config::try_from(&Self::default())?);
        let named = flags.config.or_else(|| environment.get("MUSTER_CONFIG").map(PathBuf::from));
        if let Some(file) = file(named)? {
            builder = builder.add_source(File::from(file).format(FileFormat::Toml));
        }
        if let Some(url) = environment.get("DATABASE_URL") {
            builder = builder.set_override("database_url", url.as_str())?;
        }
        // Only the names of settings are taken: Kubernetes puts MUSTER_PORT and others of its own beside them.
        environment.retain(|name, _| NAMES.iter().any(|known| name.eq_ignore_ascii_case(&format!("MUSTER_{known}"))));
        let overridden = builder.build()?;
        let settings: Self = Config::builder()
            .add_source(overridden)
            .add_source(Environment::with_prefix("MUSTER").source(Some(environment)))
            .set_override_option("database_url", flags.database_url)?
            .set_override_option("listen", flags.listen)?
            .set_override_option("log", flags.log)?
            .build()?
            .try_deserialize()?;
        settings.checked()
    }

    fn checked(self) -> Result<Self, SettingsFault> {
        if self.workers == 0 || self.connections == 0 {
            return Err(SettingsFault("workers and connections must be at least 1".to_owned()));
        }
        Ok(self)
    }
}

/// The settings that the environment may give, as `MUSTER_` and the name in capitals.
const NAMES: &[&str] = &["database_url", "listen", "public_url", "trusted_proxies", "workers", "connections", "encryption_key", "log"];

/// The variables that can be read as text; the others cannot be ours.
fn environment() -> HashMap<String, String> {
    env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// The file to read: the one that is named, which must be there, or [`FILE`] if it is.
fn file(named: Option<PathBuf>) -> Result<Option<PathBuf>, SettingsFault> {
    let Some(named) = named else {
        return Ok(Some(PathBuf::from(FILE)).filter(|file| file.is_file()));
    };
    readable(&named).map_err(|error| SettingsFault(format!("the settings file {} cannot be read: {error}", named.display())))?;
    Ok(Some(named))
}

fn readable(file: &Path) -> io::Result<()> {
    std::fs::File::open(file)?.metadata().and_then(
        |metadata| {
            if metadata.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, "listen = \"file:1\"\nlog = \"file\"\nworkers = 3\n").unwrap();
        let flags = Flags { config: Some(file), listen: Some("flag:1".to_owned()), ..Flags::default() };
        let environment =
            variables(&[("MUSTER_LISTEN", "environment:1"), ("MUSTER_LOG", "environment"), ("MUSTER_PORT", "tcp://10.0.0.1")]);
        let settings = Settings::merge(flags, environment).unwrap();
        assert_eq!(settings.listen, "flag:1");
        assert_eq!(settings.log, "environment");
        assert_eq!(settings.workers, 3);
        assert_eq!(settings.database_url, Settings::default().database_url);
    }

    #[test]
    fn our_own_variable_beats_the_common_one_and_an_empty_one_is_none() {
        let both = variables(&[("DATABASE_URL", "common"), ("MUSTER_DATABASE_URL", "own")]);
        assert_eq!(Settings::merge(Flags::default(), both).unwrap().database_url, "own");
        let empty = variables(&[("DATABASE_URL", "common"), ("MUSTER_DATABASE_URL", "")]);
        assert_eq!(Settings::merge(Flags::default(), empty).unwrap().database_url, "common");
    }

    #[test]
    fn every_setting_can_come_from_the_environment() {
        let serde_json::Value::Object(settings) = serde_json::to_value(Settings::default()).unwrap() else { panic!() };
        let mut names: Vec<&str> = settings.keys().map(String::as_str).collect();
        let mut known = NAMES.to_vec();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known);
    }

    #[test]
    fn a_public_address_is_a_scheme_and_a_host() {
        let read =
            |text: &str| Settings::merge(Flags::default(), variables(&[("MUSTER_PUBLIC_URL", text)])).map(|settings| settings.public_url);
        assert_eq!(read("").unwrap(), None);
        for text in ["https://muster.example.org", "http://10.0.0.1:8080", "https://[2001:db8::1]:8443", "https://[::1]"] {
            assert_eq!(read(text).unwrap().map(String::from).as_deref(), Some(text));
            assert_eq!(read(&format!("{text}/")).unwrap().map(String::from).as_deref(), Some(text));
        }
        for (text, written) in [
            ("https://Muster.Example.org:443", "https://muster.example.org"),
            ("http://muster.example.org:80/", "http://muster.example.org"),
            ("http://muster.example.org:443", "http://muster.example.org:443"),
            ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
        ] {
            assert_eq!(read(text).unwrap().map(String::from).as_deref(), Some(written));
        }
        for wrong in [
            "muster.example.org",
            "ftp://muster.example.org",
            "https://",
            "https:///",
            "https://muster.example.org//",
            "https://muster.example.org/app",
            "https://muster.example.org?x",
            "https://muster.example.org#x",
            "https://user@muster.example.org",
            "https://muster.example.org:",
            "https://muster.example.org:0",
            "https://muster.example.org:99999",
            "https://2001:db8::1",
            "https://[x]",
            "https://a b",
        ] {
            assert!(read(wrong).unwrap_err().to_string().contains("public_url"), "{wrong}");
        }
    }

    #[test]
    fn trusted_proxies_are_addresses_and_networks() {
        let read = |text: &str| {
            Settings::merge(Flags::default(), variables(&[("MUSTER_TRUSTED_PROXIES", text)])).map(|settings| settings.trusted_proxies)
        };
        let proxies = read("10.0.0.0/8, 192.0.2.7,2001:db8::/32").unwrap();
        let trusted = ["10.1.2.3", "192.0.2.7", "2001:db8::5"];
        let others = ["11.0.0.1", "192.0.2.8", "2001:db9::1", "127.0.0.1"];
        assert!(trusted.iter().all(|address| proxies.trusts(address.parse().unwrap())));
        assert!(others.iter().all(|address| !proxies.trusts(address.parse().unwrap())));
        assert!(!read("").unwrap().trusts("127.0.0.1".parse().unwrap()));
        for wrong in ["localhost", "10.0.0.0/33", "10.0.0.1:80", "10.0.0.1 10.0.0.2"] {
            assert!(read(wrong).unwrap_err().to_string().contains("trusted_proxies"), "{wrong}");
        }
    }

    #[test]
    fn what_is_of_no_use_is_refused() {
        for wrong in [("MUSTER_WORKERS", "many"), ("MUSTER_WORKERS", "0"), ("MUSTER_CONNECTIONS", "-1"), ("MUSTER_CONFIG", "/nowhere.toml")]
        {
            assert!(Settings::merge(Flags::default(), variables(&[wrong])).is_err(), "{wrong:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, "databse_url = \"x\"\n").unwrap();
        let fault = Settings::merge(Flags { config: Some(file), ..Flags::default() }, HashMap::new()).unwrap_err();
        assert!(fault.to_string().contains("databse_url"), "{fault}");
    }
}
