import java.io.IOException;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.EnumSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import javax.servlet.DispatcherType;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.FilterHolder;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;

/** An application that knows nothing of us: its URL and its filters come from its configuration. Two connections serve all requests. */
public final class App extends HttpServlet {
    private static final long serialVersionUID = 1;
    private final transient BlockingQueue<Connection> pool = new ArrayBlockingQueue<>(2);

    private App(String url) throws SQLException {
        for (int number = 0; number < 2; number++) {
            pool.add(DriverManager.getConnection(url, "app", ""));
        }
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String path = request.getRequestURI();
        int id = Integer.parseInt(path.substring(path.lastIndexOf('/') + 1));
        try {
            Connection connection = pool.take();
            try (CallableStatement call = connection.prepareCall("{? = call abs(?)}");
                PreparedStatement statement = connection.prepareStatement("select name from civil.resident where id = ?")) {
                call.registerOutParameter(1, Types.INTEGER);
                call.setInt(2, -id);
                call.execute();
                connection.setAutoCommit(!path.startsWith("/undone/"));
                statement.setInt(1, call.getInt(1));
                try (ResultSet rows = statement.executeQuery()) {
                    response.getWriter().println(rows.next() ? rows.getString(1) : "nobody");
                }
                if (path.startsWith("/undone/")) {
                    connection.rollback();
                    connection.setAutoCommit(true);
                }
            } finally {
                pool.put(connection);
            }
        } catch (SQLException | InterruptedException error) {
            response.sendError(500, error.getMessage());
        }
    }

    public static void main(String[] arguments) throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        connector.setPort(Integer.parseInt(arguments[0]));
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler();
        // What stands in a web.xml.
        FilterHolder filter = new FilterHolder();
        filter.setClassName("liuhen.context.Filter");
        filter.setInitParameter("user", "header:X-User");
        filter.setInitParameter("grant", "/pension=hr-1");
        filter.setInitParameter("purpose", "/pension=pension");
        context.addFilter(filter, "/*", EnumSet.of(DispatcherType.REQUEST));
        context.addServlet(new ServletHolder(new App(arguments[1])), "/*");
        server.setHandler(context);
        server.start();
        server.join();
    }
}
