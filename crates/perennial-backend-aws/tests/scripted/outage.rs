//! Taking a scripted server down and up again, and waiting until it is.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use perennial_testkit::http::HttpServer;

/// Takes the server down or up, and returns once connections are refused or taken.
pub(crate) async fn down(server: &HttpServer, down: bool) {
    server.down(down);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
    for _ in 0..2000 {
        let refused = TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err();
        if refused == down {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("the server does not go down or come up");
}
