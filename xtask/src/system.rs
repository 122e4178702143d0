//! The system's package manager (apt), where there is one that we may use.

use std::io::IsTerminal;
use std::process::Command;

use crate::Result;
use crate::process::{output, run, say, succeeds};
use crate::workspace::on_path;

/// Whether this process has all rights; then Chrome's sandbox refuses to start.
pub(crate) fn is_root() -> bool {
    cfg!(unix) && output(Command::new("id").arg("-u")).as_deref() == Some("0")
}

/// Whether apt offers all of these packages, as far as its lists on this machine say.
fn apt_offers(packages: &[&str]) -> bool {
    packages.iter().all(|package| succeeds(Command::new("apt-cache").args(["show", package])))
}

/// Installs packages by apt. `Err` names the command that a person with the rights can run.
pub(crate) fn apt_install(purpose: &str, packages: &[&str]) -> Result<()> {
    let by_hand = format!(
        "apt-get install --no-install-recommends {packages}",
        packages = packages.join(" ")
    );
    if on_path("apt-get").next().is_none() {
        return Err(format!("{purpose}: there is no apt here to install it from"));
    }
    let Some(apt) = privileged_apt() else {
        return Err(format!("{purpose}: installing it takes root; run\n  sudo {by_hand}"));
    };
    say(format!("Installing {} ({purpose})", packages.join(", ")));
    // A fresh machine has no lists at all, an old one stale ones.
    run(apt().arg("update"))?;
    if !apt_offers(packages) {
        return Err(format!("{purpose}: apt does not offer {}", packages.join(", ")));
    }
    run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))
        .map_err(|why| format!("{purpose}: {why}; run\n  sudo {by_hand}"))
}

/// apt-get as root: directly, or through sudo if it asks nothing or there is somebody to answer.
fn privileged_apt() -> Option<fn() -> Command> {
    fn direct() -> Command {
        let mut apt = Command::new("apt-get");
        apt.arg("--quiet").env("DEBIAN_FRONTEND", "noninteractive");
        apt
    }
    fn through_sudo() -> Command {
        let mut apt = Command::new("sudo");
        apt.args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
        apt
    }
    if is_root() {
        return Some(direct);
    }
    let sudo = on_path("sudo").next().is_some()
        && (std::io::stdin().is_terminal() || succeeds(Command::new("sudo").args(["-n", "true"])));
    sudo.then_some(through_sudo as fn() -> Command)
}
