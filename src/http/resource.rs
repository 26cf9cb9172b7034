//! One URL and its methods.

use actix_web::{
    FromRequest, Handler, HttpResponse, Resource, Responder,
    dev::{AppService, HttpServiceFactory},
    guard,
    http::header,
    web,
};

/// A resource whose other methods answer 405 with `Allow`, and whose GET answers HEAD too.
pub struct Methods {
    resource: Resource,
    allowed: Vec<&'static str>,
}

/// The resource at `path`; give it its methods with `.get(handler)` and so on.
pub fn at(path: &str) -> Methods {
    Methods { resource: web::resource(path), allowed: Vec::new() }
}

macro_rules! method {
    ($name:ident, $route:expr, $($allowed:literal),+) => {
        pub fn $name<F, Args>(mut self, handler: F) -> Self
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            self.resource = self.resource.route($route.to(handler));
            self.allowed.extend([$($allowed),+]);
            self
        }
    };
}

impl Methods {
    method!(get, web::route().guard(guard::Any(guard::Get()).or(guard::Head())), "GET", "HEAD");
    method!(post, web::post(), "POST");
    method!(put, web::put(), "PUT");
    method!(patch, web::patch(), "PATCH");
}

impl HttpServiceFactory for Methods {
    fn register(self, config: &mut AppService) {
        let allow = self.allowed.join(", ");
        let refuse = move || {
            let allow = allow.clone();
            async move { HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allow)).finish() }
        };
        self.resource.default_service(web::to(refuse)).register(config);
    }
}
