package liuhen.context;

import java.io.IOException;
import java.security.Principal;
import java.util.ArrayList;
import java.util.List;
import javax.servlet.FilterChain;
import javax.servlet.FilterConfig;
import javax.servlet.ServletException;
import javax.servlet.ServletRequest;
import javax.servlet.ServletResponse;
import javax.servlet.http.HttpServletRequest;

/**
 * Sets the context of each request, by its parameters alone:
 * `user`: `principal`, or `header:NAME` of a header that the proxy before it sets; `purpose` and `grant`: for all, or by the beginning of the path, the
 * longest that fits: `/pension=hr-1 /open=hr-2`.
 */
public final class Filter implements javax.servlet.Filter {
    private String user = "";
    private List<String[]> grants = new ArrayList<>();
    private List<String[]> purposes = new ArrayList<>();

    @Override
    public void init(FilterConfig config) throws ServletException {
        user = config.getInitParameter("user") == null ? "" : config.getInitParameter("user");
        if (!user.isEmpty() && !user.equals("principal") && !user.startsWith("header:")) {
            throw new ServletException("user: principal, or header:NAME, is wanted, not " + user);
        }
        grants = byPath("grant", config.getInitParameter("grant"));
        purposes = byPath("purpose", config.getInitParameter("purpose"));
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
        throws IOException, ServletException {
        if (request instanceof HttpServletRequest) {
            HttpServletRequest http = (HttpServletRequest) request;
            // As the container serves it: what was asked may be written so as to begin with another path.
            String path = http.getServletPath() + (http.getPathInfo() == null ? "" : http.getPathInfo());
            Context.set(new Context(fitting(grants, path), fitting(purposes, path), userOf(http)));
        }
        try {
            chain.doFilter(request, response);
        } finally {
            // The thread serves others next.
            Context.set(null);
        }
    }

    @Override
    public void destroy() {
    }

    private String userOf(HttpServletRequest request) {
        if (user.equals("principal")) {
            Principal principal = request.getUserPrincipal();
            return principal == null ? null : principal.getName();
        }
        return user.isEmpty() ? null : request.getHeader(user.substring("header:".length()));
    }

    private static List<String[]> byPath(String name, String text) throws ServletException {
        List<String[]> all = new ArrayList<>();
        if (text == null || text.trim().isEmpty()) {
            return all;
        }
        for (String one : text.trim().split("\\s+")) {
            int at = one.lastIndexOf('=');
            if (at >= 0 && (!one.startsWith("/") || at == one.length() - 1)) {
                throw new ServletException(name + ": /PATH=CODE, or a code, is wanted, not " + one);
            }
            all.add(at < 0 ? new String[] {"", one} : new String[] {one.substring(0, at), one.substring(at + 1)});
        }
        return all;
    }

    /** What the longest beginning says that a path has. */
    private static String fitting(List<String[]> all, String path) {
        String[] best = null;
        for (String[] one : all) {
            boolean fits = path.startsWith(one[0]) && (path.length() == one[0].length() || one[0].isEmpty()
                || one[0].endsWith("/") || path.charAt(one[0].length()) == '/');
            if (fits && (best == null || one[0].length() > best[0].length())) {
                best = one;
            }
        }
        return best == null ? null : best[1];
    }
}
