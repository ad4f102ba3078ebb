//! Uses libfoo, by its soname.
use std::os::raw::c_int;

extern "C" {
    fn foo() -> c_int;
}

#[no_mangle]
pub extern "C" fn ask() -> c_int {
    unsafe { foo() }
}
