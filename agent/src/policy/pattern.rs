//! What the policy's patterns mean.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use reqwest::Url;
use serde::{Deserialize, Deserializer, de::Error};

/// Whether a text matches a pattern in which `*` stands for any characters, `?` for one.
/// Takes no longer than the product of both lengths.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    matches(pattern.as_bytes(), text.as_bytes(), None)
}

/// The same, but nothing stands for `barrier`.
fn matches(pattern: &[u8], text: &[u8], barrier: Option<u8>) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len()
            && (pattern[p] == text[t] || (pattern[p] == b'?' && Some(text[t]) != barrier))
        {
            p += 1;
            t += 1;
        } else {
            // Let the last star stand for one more.
            match star {
                Some((at, from)) if Some(text[from]) != barrier => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                _ => return false,
            }
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// A path, in which `*` and `?` never stand for a slash. With a slash at its end it means
/// everything below.
#[derive(Clone, Debug)]
pub(super) struct PathPattern(String);

impl PathPattern {
    pub fn matches(&self, path: &str) -> bool {
        match self.0.strip_suffix('/') {
            Some(folder) => below(folder, path),
            None => matches(self.0.as_bytes(), path.as_bytes(), Some(b'/')),
        }
    }

    /// As [`PathPattern::matches`]; a folder is also below itself.
    pub fn matches_dir(&self, dir: &str) -> bool {
        let dir = if dir.len() > 1 {
            dir.trim_end_matches('/')
        } else {
            dir
        };
        self.matches(dir)
            || self
                .0
                .strip_suffix('/')
                .is_some_and(|f| matches(f.as_bytes(), dir.as_bytes(), Some(b'/')))
    }
}

fn below(folder: &str, path: &str) -> bool {
    let ends = path.match_indices('/').map(|(at, _)| at);
    ends.filter(|at| at + 1 < path.len())
        .any(|at| matches(folder.as_bytes(), &path.as_bytes()[..at], Some(b'/')))
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<PathPattern, D::Error> {
        let text = String::deserialize(d)?;
        let is_plain =
            text.starts_with('/') && !text.contains("//") && !text.split('/').any(|p| p == "." || p == "..");
        if is_plain {
            Ok(PathPattern(text))
        } else {
            Err(D::Error::custom(format!(
                "`{text}` is not an absolute path; write one such as /usr/bin/rsync, /opt/jobs/ or /usr/bin/*"
            )))
        }
    }
}

/// A URL whose parts are matched each for itself, so that a host's name in a path fools
/// nobody. `*` stands for anything within its part. An address is the same however it is
/// written; which addresses a name has is not looked up.
#[derive(Clone, Debug)]
pub(super) struct UrlPattern {
    text: String,
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
}

impl UrlPattern {
    pub fn matches(&self, url: &Url) -> bool {
        let port = match self.port {
            Some(port) => url.port_or_known_default() == Some(port),
            // Without a port, the scheme's own.
            None => url.port().is_none(),
        };
        let spelled = url.host_str().unwrap_or("");
        let host = [spelled, &canonical(spelled)]
            .iter()
            .any(|host| glob(&self.host, host));
        port && host && glob(&self.scheme, url.scheme()) && glob(&self.path, url.path())
    }

    fn parse(text: &str) -> Option<UrlPattern> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = rest.find('/').map_or((rest, "/*"), |at| rest.split_at(at));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (authority, None),
        };
        let is_scheme = matches!(scheme, "http" | "https" | "*");
        (is_scheme && !host.is_empty() && !host.contains('@')).then_some(())?;
        let host = match host.contains(['*', '?']) {
            true => host.to_ascii_lowercase(),
            false => canonical(spelled(host)?.host_str()?),
        };
        Some(UrlPattern {
            text: text.to_owned(),
            scheme: scheme.to_owned(),
            host,
            port,
            path: path.to_owned(),
        })
    }
}

/// A host as URLs spell it: with an address' numbers in decimal, a name's letters small.
fn spelled(host: &str) -> Option<Url> {
    let url = Url::parse(&format!("http://{host}")).ok()?;
    // A host and nothing else.
    (url.path() == "/" && url.fragment().is_none()).then_some(url)
}

/// A host of a URL in one form: an IPv4 address that is written as IPv6 is that address, the
/// one that means this very host is the loopback's, and a name is without the root's dot.
fn canonical(host: &str) -> String {
    let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() else {
        return host.trim_end_matches('.').to_owned();
    };
    match address.to_canonical() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.to_string(),
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => format!("[{}]", Ipv6Addr::LOCALHOST),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for UrlPattern {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<UrlPattern, D::Error> {
        let text = String::deserialize(d)?;
        UrlPattern::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is not a pattern for URLs; write one such as https://*.example.com/hooks/*"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("app?", "app1", true),
            ("app?", "app", false),
            ("*a*b*", "xxaxxbxx", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
        // Would take for ever with backtracking over every star.
        assert!(!glob(&"*a".repeat(500), &"a".repeat(499)));
    }

    #[test]
    fn paths() {
        let is = |pattern: &str, path: &str| PathPattern(pattern.into()).matches(path);
        assert!(is("/usr/bin/*", "/usr/bin/rsync"));
        assert!(!is("/usr/bin/*", "/usr/bin/a/b"), "a star is no slash");
        assert!(is("/opt/jobs/", "/opt/jobs/a/b"));
        assert!(!is("/opt/jobs/", "/opt/jobs"));
        assert!(!is("/opt/jobs/", "/opt/jobs-evil/a"));
        assert!(PathPattern("/srv/".into()).matches_dir("/srv"));
        assert!(is("/home/*/bin/", "/home/a/bin/x"));
        assert!(!is("/home/*/bin/", "/home/a/b/bin/x"));
    }

    #[test]
    fn urls() {
        let is = |pattern: &str, url: &str| {
            UrlPattern::parse(pattern)
                .unwrap()
                .matches(&Url::parse(url).unwrap())
        };
        assert!(is(
            "https://*.example.com/hooks/*",
            "https://a.example.com/hooks/1?x=y"
        ));
        assert!(!is("https://*.example.com/*", "https://evil.com/a.example.com/x"));
        assert!(!is("https://*.example.com/*", "https://a.example.com@evil.com/x"));
        assert!(!is("https://*.example.com/*", "https://a.example.com.evil.com/x"));
        assert!(!is("https://a.com/*", "http://a.com/x"));
        assert!(!is("https://a.com/*", "https://a.com:8443/x"));
        assert!(is("http://localhost:8080", "http://LOCALHOST:8080/x"));
        assert!(is("https://a.com", "https://a.com./x"));
        assert!(UrlPattern::parse("a.com").is_none());
        assert!(UrlPattern::parse("http://256.1.1.1").is_none());
        assert!(is("http://bücher.example", "http://xn--bcher-kva.example/x"));
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let all = [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "[::ffff:127.0.0.1]",
            "[::FFFF:7f00:1]",
            "[0:0:0:0:0:ffff:7f00:0001]",
            "0.0.0.0",
            "0",
            "[::ffff:0.0.0.0]",
        ];
        for host in all {
            let url = Url::parse(&format!("http://{host}:18921/x")).unwrap();
            for pattern in all.iter().chain(&["127.0.0.*", "127.*"]) {
                let pattern = UrlPattern::parse(&format!("http://{pattern}:18921/*")).unwrap();
                assert!(pattern.matches(&url), "{pattern} {url}");
            }
            let other = UrlPattern::parse("http://127.0.0.2:18921/*").unwrap();
            assert!(!other.matches(&url), "{url}");
        }
        let six = ["[::1]", "[0:0:0:0:0:0:0:1]", "[::]"];
        for (pattern, host) in six.iter().flat_map(|a| six.map(|b| (a, b))) {
            let pattern = UrlPattern::parse(&format!("*://{pattern}")).unwrap();
            assert!(
                pattern.matches(&Url::parse(&format!("https://{host}/")).unwrap()),
                "{pattern} {host}"
            );
        }
        // As it is written counts, too.
        let mapped = UrlPattern::parse("http://[::ffff:*]").unwrap();
        assert!(mapped.matches(&Url::parse("http://[::ffff:10.0.0.1]/").unwrap()));
    }
}
