//! The flags that link the crate with libfoo come from nativeload: no rpath is among them.
use std::process::Command;

fn main() {
    let python = std::env::var("PYO3_PYTHON").unwrap_or_else(|_| "python".to_string());
    let asked = Command::new(python).args(["-m", "nativeload", "--libs", "foo>=1.2,<2"]).output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    for word in String::from_utf8(asked.stdout).unwrap().split_whitespace() {
        println!("cargo:rustc-cdylib-link-arg={word}");
    }
}
