words! {
    LoginWords {
        log_in: "Log in" / "登录",
        user: "User" / "用户名",
        password: "Password" / "密码",
        wrong: "This user and password do not fit. A lost password is made anew on the server, with `gnomon reset-password`."
            / "用户名或密码不正确。忘记密码时，可在服务器上用 `gnomon reset-password` 重新生成。",
        unreachable: "The server does not answer" / "服务器没有响应",
        first_standalone: "First time here? The user is {user}. Its password was printed in the terminal where `gnomon standalone` was first started."
            / "第一次使用？用户名是 {user}，密码在首次启动 `gnomon standalone` 的终端里打印过一次。",
        first_master: "First time here? The user is {user}. Its password stands in the log of the first master that was started."
            / "第一次使用？用户名是 {user}，密码在首个启动的 master 的日志里。",
    }
}
