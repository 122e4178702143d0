//! WebDriver: the server that comes with a browser, and one window driven through it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Result;
use crate::browser::Browser;

/// A WebDriver server, ended with this value.
pub(crate) struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    /// The driver of that browser.
    pub(crate) fn start(browser: &Browser) -> Result<Self> {
        let program = &browser.driver;
        let port = free_port().map_err(|why| why.to_string())?;
        let process = Command::new(program)
            .arg(format!("--port={port}"))
            .envs(browser.environment())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|why| format!("{} did not start: {why}", program.display()))?;
        let mut driver = Self { process, port };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Ok(Some(status)) = driver.process.try_wait() {
                return Err(format!("{} ended at once ({status})", program.display()));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(driver)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Opens a browser's window at that address.
    pub(crate) fn open(&self, capabilities: &Value, address: &str) -> Result<Window<'_>> {
        let request = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let answer = self.command("POST", "/session", &request)?;
        let id = answer["sessionId"].as_str().ok_or("the browser's driver gives no session")?;
        let window = Window { driver: self, path: format!("/session/{id}") };
        window.post("timeouts", &json!({ "script": SCRIPT_MS }))?;
        window.post("url", &json!({ "url": address }))?;
        Ok(window)
    }

    /// The `value` of the answer.
    fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let (status, body) = self
            .exchange(method, path, &body.to_string())
            .map_err(|why| format!("the browser's driver: {why}"))?;
        let answer: Value = serde_json::from_slice(&body)
            .map_err(|why| format!("the browser's driver answers no JSON: {why}"))?;
        let value = &answer["value"];
        if status == 200 {
            return Ok(value.clone());
        }
        let message = value["message"].as_str().unwrap_or_default();
        Err(format!("the browser's driver: {}: {message}", value["error"]))
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> io::Result<(u16, Vec<u8>)> {
        let port = self.port;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
             Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        answer(BufReader::new(stream))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How long a script may take.
const SCRIPT_MS: u32 = 600_000;

/// A browser's window, closed with this value.
pub(crate) struct Window<'a> {
    driver: &'a Driver,
    path: String,
}

impl Window<'_> {
    /// What the page's function of that name, which returns a promise, gives for this argument.
    pub(crate) fn call(&self, function: &str, argument: &Value) -> Result<Value> {
        let script = format!("const [argument, done] = arguments; {function}(argument).then(done)");
        self.post("execute/async", &json!({ "script": script, "args": [argument] }))
    }

    fn post(&self, command: &str, body: &Value) -> Result<Value> {
        self.driver.command("POST", &format!("{}/{command}", self.path), body)
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        // If it does not close by this, it does with the driver.
        let _ = self.driver.command("DELETE", &self.path, &json!({}));
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Status and body of an HTTP answer of known length.
fn answer(mut stream: impl BufRead) -> io::Result<(u16, Vec<u8>)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no HTTP answer: {line:?}")))?;
    let mut length = None;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        }
    }
    let length = length.ok_or_else(|| io::Error::other("an answer of unknown length"))?;
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body)?;
    Ok((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_answer_up_to_its_length() {
        let text = "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\nX: y\r\n\r\nbodyrest";
        assert_eq!(answer(text.as_bytes()).unwrap(), (404, b"body".to_vec()));
        assert!(answer(&b"HTTP/1.1 200 OK\r\n\r\n"[..]).is_err());
        assert!(answer(&b""[..]).is_err());
    }
}
